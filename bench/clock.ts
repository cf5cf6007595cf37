import * as z from 'zod'

/**
 * The clock of every figure is the processor's time-stamp counter (TSC) as the machine's programs read it
 * (guest/tsc): it alone goes on while kernels and firmware come and go. Where QEMU counts instructions it counts the
 * guest's nanoseconds, and host time means nothing: how much of it the guest gets depends on who else is running.
 */
export const clocksSchema = z.object({
  /** The boot's id. */
  boot: z.string(),
  /** The counter, and the boot's other clocks at the same moment, in seconds. */
  counter: z.number(),
  real: z.number(),
  monotonic: z.number(),
  /** The clock of the kernel's log, which starts at 0 with its first line. */
  log: z.number(),
  /** Ticks of the counter in a second. */
  hz: z.number().positive(),
  /** When the kernel was about to run /init of the initrd, by the clock of its log; the first userspace instruction. */
  init: z.number(),
  /** When systemd started, by the monotonic clock. */
  systemd: z.number(),
})

/** The clocks of one boot, and how far it came when, as `tsc now` prints them. */
export type Clocks = z.infer<typeof clocksSchema>

/** The counter, in ticks, when the boot's clock of this name showed so many seconds. */
export function counterAt(clocks: Clocks, clock: 'real' | 'monotonic' | 'log', seconds: number): number {
  return clocks.counter + (seconds - clocks[clock]) * clocks.hz
}

/** Something that began at a reading of the counter, in ticks. */
export interface Moment {
  readonly name: string
  readonly at: number
}

/** What a boot goes through before services, each from its beginning. */
export function bootMoments(clocks: Clocks): Moment[] {
  return [
    { name: 'kernel', at: counterAt(clocks, 'log', 0) },
    { name: 'initrd', at: counterAt(clocks, 'log', clocks.init) },
    { name: 'systemd', at: counterAt(clocks, 'monotonic', clocks.systemd) },
  ]
}
