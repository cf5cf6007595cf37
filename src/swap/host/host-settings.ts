import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writeDurably } from '../../durable.ts'
import { ifMissing } from '../../errors.ts'
import {
  runtimeWatchdog,
  serviceWatchdogs,
  setRuntimeWatchdog,
  setServiceWatchdogs,
} from '../../tools/systemd.ts'
import type { Swap } from '../store.ts'

const panicSetting = '/proc/sys/kernel/panic'

/** What a swap changes on the host until it has its verdict: how a kernel that dies leads to a reboot. */
const settingsSchema = z.object({
  /** kernel.panic: seconds from a panic to the reboot (admin-guide/sysctl/kernel.rst, panic). */
  panic: z.string(),
  /** RuntimeWatchdogUSec of PID 1, decimal: the largest values don't fit a number. */
  watchdog: z.string(),
})

/** True where there is a hardware watchdog that PID 1 can keep (systemd-system.conf(5), RuntimeWatchdogSec=). */
export function hasWatchdog(): boolean {
  return existsSync('/dev/watchdog0')
}

/**
 * Starts the hardware watchdog: PID 1 feeds it here and in the next kernel, and nobody does in between. Whether it goes
 * on ticking through kexec is for its driver to say, and for `watchdog.stop_on_reboot=0` on the command line.
 */
export async function armWatchdog(swap: Swap): Promise<void> {
  const settings = { panic: (await readFile(panicSetting, 'utf8')).trim(), watchdog: await runtimeWatchdog() }
  await writeDurably(fileOf(swap), JSON.stringify(settings))
  const { watchdogSeconds } = swap.plan
  if (watchdogSeconds > 0 && hasWatchdog()) await setRuntimeWatchdog(String(watchdogSeconds * 1_000_000))
}

/** Gives the host its own settings back, on whatever kernel it is; does nothing where the swap changed none. */
export async function restoreHostSettings(swap: Swap): Promise<void> {
  const text = await readFile(fileOf(swap), 'utf8').catch(ifMissing(undefined))
  if (text === undefined) return
  const { panic, watchdog } = settingsSchema.parse(JSON.parse(text))
  await writeFile(panicSetting, panic)
  if (watchdog !== (await runtimeWatchdog())) await setRuntimeWatchdog(watchdog)
}

/**
 * Keeps PID 1 from ending services whose tasks stand still, since they don't say any more that they are alive
 * (systemd.service(5), WatchdogSec=). The next kernel's PID 1 knows nothing of it.
 */
export async function holdServiceWatchdogs({ directory }: Swap): Promise<void> {
  if (!(await serviceWatchdogs())) return
  await writeDurably(join(directory, watchdogsHeld), '')
  await setServiceWatchdogs(false)
}

/** Once the tasks go on, on the boot that held them; does nothing where nothing was held. */
export async function releaseServiceWatchdogs({ directory }: Swap): Promise<void> {
  if (existsSync(join(directory, watchdogsHeld))) await setServiceWatchdogs(true)
}

/** There where they were on before. */
const watchdogsHeld = 'service-watchdogs-held'

function fileOf(swap: Swap): string {
  return join(swap.directory, 'host-settings.json')
}
