import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type AbiResult, diffSnapshots } from '../../abi/diff.ts'
import { type Snapshot, takeSnapshots } from '../../abi/snapshot.ts'
import type { Deadline } from '../../deadline.ts'
import { ifMissing } from '../../errors.ts'
import { isAbiHookOn } from '../../hooks/built-in.ts'
import { type Probe, startProbe } from '../../tools/probe.ts'
import { stoppedBefore } from '../../workload/stops.ts'
import { preserved } from '../plan.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { tasksOf } from '../tasks.ts'

interface SaveOptions {
  /** The swap holds the tasks stopped. */
  readonly isHeld: boolean
  readonly deadline?: Deadline | undefined
  readonly probe?: Probe | undefined
}

/**
 * Takes ABI snapshots of all preserved workloads and keeps them with their checkpoints; none if that is masked.
 * They are not brought to disk one by one, since the services stand still meanwhile: the seal does that for all.
 */
export async function saveSnapshots(
  swap: Swap,
  when: 'before' | 'after',
  { isHeld, deadline, probe }: SaveOptions,
): Promise<void> {
  if (!(await isAbiHookOn())) return
  const workloads = preserved(swap.plan)
  const heldSince = when === 'before' ? await checkpointTime(swap) : undefined
  const snapshots = await takeSnapshots(await tasksOf(swap.plan), {
    strict: swap.plan.strict,
    heldSince,
    probe,
    deadline,
    names: workloads.map(({ unit }) => unit),
    stopped: isHeld ? await stoppedTasks(swap) : undefined,
  })
  await Promise.all(
    workloads.map(({ unit }, index) =>
      writeFile(fileOf(swap, unit, when), JSON.stringify(snapshots[index]), { mode: 0o600 }),
    ),
  )
}

/** Of each workload that the swap holds: the tasks that nobody will let go on, since they were stopped before. */
function stoppedTasks(swap: Swap): Promise<ReadonlySet<number>[]> {
  return Promise.all(preserved(swap.plan).map(({ unit }) => stoppedBefore(checkpointDirectory(swap, unit))))
}

/** When the tasks began to be stopped. */
async function checkpointTime(swap: Swap): Promise<Date | undefined> {
  const lines = await swap.journal.read()
  const checkpoint = lines.findLast((line) => line.kind === 'step' && line.step === 'checkpoint')
  return checkpoint && new Date(checkpoint.time * 1000)
}

/** How often a snapshot is practised: V8 has compiled what is worth it then, and the next takes half the time. */
const practices = 8
/** No practice is begun after this many milliseconds: on a slow machine a few must do. */
const practiceTime = 3000
/** So many processes make all of the code run; the others of a large host wouldn't teach it more. */
const practiceTasks = 32

/**
 * Takes snapshots that nobody keeps, while the services still run: the programs that answer are in memory then, and our
 * own code is compiled, so that the one that counts holds the services up for less.
 * @returns the probe for that one, which is up
 */
export async function practiseSnapshots(swap: Swap): Promise<Probe | undefined> {
  if (!(await isAbiHookOn())) return undefined
  const tasks = someTasks(await tasksOf(swap.plan), practiceTasks)
  await practise(() => takeSnapshots(tasks, { strict: false }))
  return startProbe()
}

/** Does something a few times, for as long as there is time. */
export async function practise(
  act: () => Promise<unknown>,
  now: () => number = () => performance.now(),
): Promise<void> {
  const until = now() + practiceTime
  let practice = 0
  do {
    await act()
    practice += 1
  } while (practice < practices && now() < until)
}

/** The first tasks of workloads, no more than this many in all. */
export function someTasks(tasks: readonly (readonly number[])[], most: number): number[][] {
  let left = most
  return tasks
    .map((pids) => {
      const some = pids.slice(0, left)
      left -= some.length
      return some
    })
    .filter((pids) => pids.length > 0)
}

/**
 * Compares a workload's two snapshots; undefined where none was taken before.
 * @throws Error where they can't be compared: one was not taken afterwards, or is another kernelswap's.
 */
export async function compareSnapshots(swap: Swap, unit: string): Promise<AbiResult | undefined> {
  const [before, after] = await Promise.all([
    readSnapshot(swap, unit, 'before'),
    readSnapshot(swap, unit, 'after'),
  ])
  if (!before) return undefined
  if (!after) throw new Error('there is no snapshot of it afterwards')
  const tolerate = preserved(swap.plan).find((workload) => workload.unit === unit)?.tolerate ?? {}
  return diffSnapshots(before, after, { strict: swap.plan.strict, tolerate })
}

async function readSnapshot(
  swap: Swap,
  unit: string,
  when: 'before' | 'after',
): Promise<Snapshot | undefined> {
  const text = await readFile(fileOf(swap, unit, when), 'utf8').catch(ifMissing(undefined))
  // Written by saveSnapshots, here or on the host that a bundle came from.
  return text === undefined ? undefined : (JSON.parse(text) as Snapshot)
}

function fileOf(swap: Swap, unit: string, when: 'before' | 'after'): string {
  return join(checkpointDirectory(swap, unit), `abi-${when}.json`)
}
