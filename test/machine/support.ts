import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Clients } from '../../src/rehearsal/clients/index.ts'
import { ensureImage, type Image } from '../../src/rehearsal/image.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { startRehearsalMachine } from '../../src/rehearsal/rehearse.ts'
import { preparedMachine } from '../../src/rehearsal/snapshot.ts'

const results = 'test-results'
const say = (line: string) => void process.stderr.write(`${line}\n`)

/**
 * Runs a test in a fresh machine that has kernelswap installed and its services adopted, and ends the
 * machine. Its console, and its journal if the test fails, stay in test-results/NAME.
 */
export function withMachine(name: string, test: (machine: Machine) => Promise<void>): Promise<void> {
  return inFreshMachine(name, (image, directory) => startRehearsalMachine(image, directory, say), test)
}

/** The same in a machine as Debian leaves it: no kernelswap, nothing adopted. */
export function withPlainMachine(name: string, test: (machine: Machine) => Promise<void>): Promise<void> {
  return inFreshMachine(name, (image, directory) => preparedMachine({ image, directory, say }), test)
}

/** Runs a program in the machine that must succeed, and returns what it prints. */
export async function inMachine(machine: Machine, program: string, ...args: string[]): Promise<string> {
  const shell = await machine.ssh()
  const ended = await shell.run(program, args, { timeoutSeconds: 300 })
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

async function inFreshMachine(
  name: string,
  start: (image: Image, directory: string) => Promise<Machine>,
  test: (machine: Machine) => Promise<void>,
): Promise<void> {
  const directory = join(results, name)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const machine = await start(await ensureImage(say), directory)
  try {
    await test(machine)
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
