import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Clients, startClients } from '../../src/rehearsal/clients/index.ts'
import { ensureImage, type Image } from '../../src/rehearsal/image.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits, startRehearsalMachine } from '../../src/rehearsal/rehearse.ts'
import { preparedMachine } from '../../src/rehearsal/snapshot.ts'
import type { Report } from '../../src/report/report.ts'

/** Whether `npm run test:schedule` runs. */
export const isUnattended = process.env.KERNELSWAP_SCHEDULE === '1'

const results = 'test-results'
const say = (line: string) => void process.stderr.write(`${line}\n`)

/**
 * Runs a test in a fresh machine that has kernelswap installed and its services adopted, and ends the
 * machine. Its console, and its journal if the test fails, stay in test-results/NAME. Returns what the test does.
 */
export function withMachine<T>(name: string, test: (machine: Machine) => Promise<T>): Promise<T> {
  return inFreshMachine(name, (image, directory) => startRehearsalMachine(image, directory, say), test)
}

/** The same in a machine as Debian leaves it: no kernelswap, nothing adopted. */
export function withPlainMachine(name: string, test: (machine: Machine) => Promise<void>): Promise<void> {
  return inFreshMachine(name, (image, directory) => preparedMachine({ image, directory, say }), test)
}

/** Runs a program in the machine that must succeed, and returns what it prints. */
export async function inMachine(machine: Machine, program: string, ...args: string[]): Promise<string> {
  const shell = await machine.ssh()
  const ended = await shell.run(program, args, { timeoutSeconds: 900 })
  if (ended.code === 0) return ended.stdout.trim()
  throw new Error(
    `${[program, ...args].join(' ')}: exit code ${ended.code}: ${ended.stderr.trim() || ended.stdout}`,
  )
}

/** Every client kept its connection, and every answer and every write that it was promised. */
export async function expectUnharmed(clients: Clients): Promise<void> {
  for (const client of await clients.stop()) {
    expect(client).toMatchObject({ connectionSurvived: true, errors: 0, lost: 0, doubled: 0, problem: null })
    expect(client.requests).toBeGreaterThan(0)
  }
}

/** A line of shell that prints the entry that GRUB starts at the next boot alone, nothing where that is its default. */
export const aimedAt = "grub-editenv - list | sed -n 's/^next_entry=//p'"

/** Runs a line of shell in the machine that must succeed, and returns what it prints. */
export function inShell(machine: Machine, line: string): Promise<string> {
  return inMachine(machine, 'bash', '-o', 'pipefail', '-c', line)
}

/** Starts a swap and waits until it has begun, not for its end: the machine may go down at any moment. */
export async function startSwap(
  machine: Machine,
  options: readonly string[] = [],
  words: readonly string[] = [],
): Promise<void> {
  const kernel = machine.image.kernels['newest-stable']
  const run = `kernelswap run --yes --json --kernel ${kernel} ${[...words, ...machineUnits].join(' ')}`
  const begun = 'ls /var/lib/kernelswap/swaps 2>/dev/null | wc -l'
  await inShell(
    machine,
    `before=$(${begun}); systemd-run --quiet --collect --unit=swap ${options.join(' ')} ${run}
     while [ $(${begun}) = $before ]; do
       systemctl --quiet is-active swap || { journalctl --unit=swap --lines=5 --output=cat >&2; exit 1; }
       sleep 1
     done`,
  )
}

/** Main PIDs of the services, a line each. */
export function mainPids(machine: Machine): Promise<string> {
  return inShell(machine, `systemctl show --property=MainPID --value ${machineUnits.join(' ')}`)
}

/** Every service runs, no task is held, and nothing of a landing is left. */
export async function expectRunning(machine: Machine): Promise<void> {
  expect(await inShell(machine, `systemctl is-active ${machineUnits.join(' ')}`)).toBe(
    machineUnits.map(() => 'active').join('\n'),
  )
  expect(await inShell(machine, 'nft list tables; ls -A /etc/kernelswap; ls -A /var/lib/kernelswap')).toBe(
    'config.d\nswaps',
  )
  expect(await inShell(machine, 'grep -l "^State:.T" /proc/[0-9]*/status || true')).toBe('')
}

/** No task is stopped but those that stopped themselves, so many. */
export async function expectNoneHeld(machine: Machine, stopped = 0): Promise<void> {
  const held = await inShell(machine, '(grep -l "^State:.T" /proc/[0-9]*/status || true) | wc -l')
  expect(Number(held)).toBe(stopped)
}

/** Swaps to the newer kernel under live clients, expects to end on the old one with nothing lost, and returns the report. */
export async function swapAndFallBack(machine: Machine): Promise<Report> {
  const { 'newest-stable': to, 'older-stable': running } = machine.image.kernels
  const before = await mainPids(machine)
  const clients = await startClients(machine.address, machineUnits)
  await startSwap(machine)
  const report = await awaitReport(machine)
  expect(report, report.reason ?? '').toMatchObject({ verdict: 'fell-back', kernel: { to, running } })
  expect(await mainPids(machine)).toBe(before)
  await expectUnharmed(clients)
  await expectRunning(machine)
  return report
}

/** How each service came out, by unit. */
export function outcomesOf(report: Report): Record<string, string> {
  return Object.fromEntries(report.workloads.map(({ unit, outcome }) => [unit, outcome]))
}

/** Has a line of shell run in every boot of one kernel from now on, before anything lands there. */
export async function atBootsOf(machine: Machine, kernel: string, line: string): Promise<void> {
  const unit = [
    ...['[Unit]', 'DefaultDependencies=no', `ConditionKernelVersion=${kernel}`],
    ...['After=local-fs.target', 'Before=kernelswap-land.service', '[Service]', 'Type=oneshot'],
    `ExecStart=bash -c '${line}'`,
  ].join('\n')
  const units = '/etc/systemd/system'
  await inShell(
    machine,
    `cat > ${units}/at-boot.service <<'END'\n${unit}\nEND\nmkdir -p ${units}/sysinit.target.wants &&
     ln -sf ../at-boot.service ${units}/sysinit.target.wants/`,
  )
}

/** Installs a hook of the administrator's: a shell script, as `UNIT/NAME` below hooks.d. */
export async function installHook(machine: Machine, name: string, body: string): Promise<void> {
  const hook = `/etc/kernelswap/hooks.d/${name}`
  await inShell(
    machine,
    `mkdir -p $(dirname ${hook}) && cat > ${hook} <<'END'\n#!/bin/sh\n${body}\nEND\nchmod 755 ${hook}`,
  )
}

/** Settings for this boot, replacing those that a test made before; a swap keeps to those that it was planned with. */
export async function configure(machine: Machine, toml: string): Promise<void> {
  const directory = '/run/kernelswap/config.d'
  await inShell(machine, `mkdir -p ${directory} && cat > ${directory}/50-test.toml <<'END'\n${toml}\nEND`)
}

export async function inFreshMachine<T>(
  name: string,
  start: (image: Image, directory: string) => Promise<Machine>,
  test: (machine: Machine) => Promise<T>,
): Promise<T> {
  const directory = join(results, name)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const machine = await start(await ensureImage(say), directory)
  try {
    return await test(machine)
  } catch (error) {
    await keepJournal(machine)
    throw error
  } finally {
    await machine.stop()
  }
}

async function keepJournal(machine: Machine): Promise<void> {
  try {
    const shell = await machine.ssh(30)
    const journal = await shell.run('journalctl', ['--no-pager', '--output=short-precise'], {
      timeoutSeconds: 120,
    })
    await writeFile(join(machine.directory, 'journal.log'), journal.stdout)
  } catch (error) {
    say(`the journal of the machine could not be kept: ${error}`)
  }
}
