import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { takeSnapshot } from '../abi/snapshot.ts'
import { Failure, ifMissing } from '../errors.ts'
import { standardOutput } from '../printer.ts'
import { serviceName } from '../tools/unit-name.ts'
import { inspectWorkload } from '../workload/kinds.ts'

import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap snapshot`: what a process can see through the kernel's ABI. */
export function snapshotCommand(): Command {
  return new Verb('snapshot')
    .summary('print what processes see through the kernel ABI')
    .description(
      'Prints a snapshot of every process of a unit, or of one process, as JSON: IDs, signals, descriptors, sockets,\n' +
        'timers, memory map and so on, each facet with its value or the reason why it could not be read. Memory and\n' +
        'environment are in it as digests only. Nothing is changed, and no swap is needed.',
    )
    .argument('<unit|pid>', 'a service, or the number of a process')
    .option(
      '--strict',
      'bytes of memory, waiting bytes and registers too; compare what is held stopped',
      false,
    )
    .option('--json', 'on one line', false)
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  kernelswap snapshot redis-server >before\n' +
        '  kernelswap snapshot redis-server >after\n' +
        '  kernelswap diff before after',
    )
    .action(async (subject: string, options: { strict: boolean; json: boolean }) => {
      const pids = /^\d+$/.test(subject) ? [await processNamed(subject)] : await processesOf(subject)
      const snapshot = await takeSnapshot(pids, { strict: options.strict })
      standardOutput.json(JSON.stringify(snapshot, null, options.json ? 0 : 2))
    })
}

async function processNamed(pid: string): Promise<number> {
  const directory = await stat(`/proc/${pid}`).catch(ifMissing(undefined))
  if (!directory) throw new Failure('refused', `There is no process ${pid}.`)
  // Without root, the kernel shows a process to its owner only.
  if (directory.uid !== process.getuid?.()) requireRoot()
  return Number(pid)
}

async function processesOf(name: string): Promise<number[]> {
  requireRoot()
  requireSystemd()
  const { unit, processes } = await inspectWorkload(serviceName(name))
  if (processes.length === 0)
    throw new Failure('refused', `${unit} has no processes; \`systemctl start ${unit}\` starts it.`)
  return processes.map(({ pid }) => pid)
}
