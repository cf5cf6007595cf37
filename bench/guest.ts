import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { Failure } from '../src/errors.ts'
import type { Image } from '../src/rehearsal/image.ts'
import type { Machine } from '../src/rehearsal/machine.ts'
import { startRehearsalMachine } from '../src/rehearsal/rehearse.ts'
import { type Clocks, clocksSchema } from './clock.ts'
import type { Load } from './options.ts'
import { fill } from './redis.ts'

/** The carried program that sees how long it stands still. */
export const WITNESS = 'bench-witness.service'
const TSC = '/usr/local/bin/tsc'
const NOTES = '/var/lib/bench'
const FIRST_PORT = 6379
/** In wall time, which a busy host may give little of: that lengthens a run, and no figure. */
const COMMAND_SECONDS = 900
const BOOT_SECONDS = 3600

/** A machine with its load: one Redis or more, filled. */
export interface Guest {
  readonly machine: Machine
  readonly units: readonly string[]
  readonly ports: readonly number[]
}

/** Does something with a fresh machine that has this load, and ends it. */
export async function withGuest<T>(
  image: Image,
  load: Load,
  directory: string,
  say: (line: string) => void,
  act: (guest: Guest) => Promise<T>,
): Promise<T> {
  const machine = await startRehearsalMachine(image, directory, say)
  try {
    await setClockByHardware(machine)
    await installPrograms(machine)
    const { units, ports } = await startRedis(machine, load.services)
    await Promise.all(ports.map((port) => fill(machine.address, port, load.size)))
    return await act({ machine, units, ports })
  } finally {
    await machine.stop()
  }
}

/**
 * A kernel begins with the hardware's clock, which counts instructions here, and has fallen behind the host's. What a report
 * says of an outage is right where both agree before.
 */
async function setClockByHardware(machine: Machine): Promise<void> {
  const seconds = await inGuest(machine, 'cat', '/sys/class/rtc/rtc0/since_epoch')
  await inGuest(machine, 'date', '--utc', '--set', `@${seconds.trim()}`)
}

async function installPrograms(machine: Machine): Promise<void> {
  const here = (name: string) => fileURLToPath(new URL(`../bench/guest/${name}`, import.meta.url))
  const ssh = await machine.ssh()
  await ssh.putFile(here('tsc'), TSC, 0o755)
  await ssh.putFile(here(WITNESS), `/etc/systemd/system/${WITNESS}`, 0o644)
  await inGuest(machine, 'mkdir', '-p', NOTES)
  await inGuest(machine, 'systemctl', 'daemon-reload')
  await inGuest(machine, 'systemctl', 'start', WITNESS)
}

/** Debian's instance, and as many of its template's as are wanted besides. */
async function startRedis(machine: Machine, count: number): Promise<Pick<Guest, 'units' | 'ports'>> {
  const more = Array.from({ length: count - 1 }, (_, index) => index + 1)
  for (const number of more) await addRedis(machine, number)
  return {
    units: ['redis-server.service', ...more.map(templateUnit)],
    ports: [FIRST_PORT, ...more.map((number) => FIRST_PORT + number)],
  }
}

function templateUnit(number: number): string {
  return `redis-server@${number}.service`
}

async function addRedis(machine: Machine, number: number): Promise<void> {
  const configuration = [
    'include /etc/redis/redis.conf',
    `port ${FIRST_PORT + number}`,
    `pidfile /run/redis-${number}/redis-server.pid`,
    `logfile /var/log/redis/redis-server-${number}.log`,
    `dbfilename dump-${number}.rdb`,
    '',
  ].join('\n')
  const file = `/etc/redis/redis-${number}.conf`
  await inGuestWith(machine, configuration, 'dd', `of=${file}`)
  await inGuest(machine, 'chmod', '644', file)
  await inGuest(machine, 'systemctl', 'enable', '--now', templateUnit(number))
  await inGuest(machine, 'kernelswap', 'adopt', '--now', templateUnit(number))
}

/** Runs a program in the machine that must succeed, and returns what it prints. */
export function inGuest(machine: Machine, program: string, ...args: string[]): Promise<string> {
  return inGuestWith(machine, '', program, ...args)
}

async function inGuestWith(
  machine: Machine,
  input: string,
  program: string,
  ...args: string[]
): Promise<string> {
  const ssh = await machine.ssh()
  const ended = await ssh.run(program, args, { input, timeoutSeconds: COMMAND_SECONDS })
  if (ended.code === 0) return ended.stdout
  throw new Failure(
    'failed',
    `${program} failed in the machine: ${ended.stderr.trim() || `exit code ${ended.code}`}`,
  )
}

/** The clocks of the running boot. */
export async function readClocks(machine: Machine): Promise<Clocks> {
  return clocksSchema.parse(JSON.parse(await inGuest(machine, TSC, 'now')))
}

/** Waits for another boot than this one, and returns its clocks. */
export async function nextBoot(machine: Machine, boot: string): Promise<Clocks> {
  const deadline = Date.now() + BOOT_SECONDS * 1000
  for (;;) {
    // It answers no more, or not yet, or with the old boot's last breath.
    const clocks = await readClocks(machine).catch((error: unknown) => {
      if (Date.now() > deadline) throw error
      return undefined
    })
    if (clocks && clocks.boot !== boot) return clocks
    await sleep(2000)
  }
}

/** Loads an installed kernel for a jump as kernelswap does (src/tools/kexec.ts), with the running command line. */
export async function loadKernel(machine: Machine, release: string): Promise<void> {
  const files = [`/boot/vmlinuz-${release}`, `--initrd=/boot/initrd.img-${release}`]
  await inGuest(machine, 'kexec', '--load', ...files, '--reuse-cmdline', '--kexec-syscall', '--no-checks')
}

/** Starts a program that takes the machine down, and doesn't wait for it. */
export async function leaveBy(machine: Machine, ...command: string[]): Promise<void> {
  await inGuest(machine, 'systemd-run', '--quiet', '--collect', ...command)
}

/** The same, with a reading of the counter on disk right before; `readLeft` returns it later. */
export async function leaveNoted(machine: Machine, ...command: string[]): Promise<void> {
  await leaveBy(machine, TSC, 'leave', `${NOTES}/left`, ...command)
}

export async function readLeft(machine: Machine): Promise<number> {
  const note = JSON.parse(await inGuest(machine, 'cat', `${NOTES}/left`))
  return z.object({ counter: z.number() }).parse(note).counter
}

/** Between which readings of the counter the witness stood still longest. */
export async function readStillness(machine: Machine): Promise<{ from: number; to: number }> {
  const note = JSON.parse(await inGuest(machine, 'cat', `${NOTES}/stillness`))
  return z.object({ from: z.number(), to: z.number() }).parse(note)
}

/** Seconds that the machine takes to copy so many mebibytes of memory once. */
export async function copySeconds(machine: Machine, mebibytes: number): Promise<number> {
  const measured = JSON.parse(await inGuest(machine, TSC, 'copy', String(mebibytes)))
  return z.object({ seconds: z.number() }).parse(measured).seconds
}
