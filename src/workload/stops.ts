import { readFile, writeFile } from 'node:fs/promises'
import { Failure, ifMissing, isErrno } from '../errors.ts'
import { checkpointFile } from '../layout.ts'
import { parsePidStat } from '../proc/pid-stat.ts'
import { pidsOf } from './control-group.ts'
import { imagesOf } from './images.ts'

/**
 * A checkpoint stops every task of a workload, and whoever lets them go on must leave those alone that were stopped
 * before, by job control or a debugger. So a file of the checkpoint says of each what it was; the landing reads it too
 * (landing/static/release).
 */
type State = 'running' | 'stopped'

/**
 * Notes what the tasks of a control group are, before a checkpoint may stop them: for `wake`, should it be cut short. One
 * that stops from here until then will be woken.
 */
export async function noteTasks(checkpoint: string, controlGroup: string): Promise<void> {
  await note(checkpoint, await pidsOf(controlGroup), isStopped)
}

/**
 * Notes the same as a finished checkpoint has it: CRIU has seen each task at the moment when it took hold of it.
 * @throws Failure 'failed' for a task that it has not seen.
 */
export async function noteDumpedTasks(checkpoint: string, controlGroup: string): Promise<void> {
  await note(checkpoint, await pidsOf(controlGroup), async (pid) => {
    const stopped = await imagesOf(checkpoint).wasStopped(pid)
    if (stopped === undefined)
      throw new Failure('failed', `PID ${pid} of ${controlGroup} is in no checkpoint; run the swap again.`)
    return stopped
  })
}

async function note(
  checkpoint: string,
  pids: readonly number[],
  isStopped: (pid: number) => Promise<boolean>,
): Promise<void> {
  const states = await Promise.all(pids.map(isStopped))
  const lines = pids.map((pid, index) => `${pid} ${states[index] ? 'stopped' : 'running'}\n`)
  await writeFile(checkpointFile(checkpoint, 'tasks'), lines.join(''), { mode: 0o600 })
}

/** What was noted of a workload's tasks; undefined where nothing was: no checkpoint has touched it. */
async function notedTasks(checkpoint: string): Promise<ReadonlyMap<number, State> | undefined> {
  const text = await readFile(checkpointFile(checkpoint, 'tasks'), 'utf8').catch(ifMissing(undefined))
  if (text === undefined) return undefined
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, State])
      .map(([pid, state]) => [Number(pid), state]),
  )
}

/** PIDs of the tasks that were stopped before the checkpoint, and are to be stopped after it. */
export async function stoppedBefore(checkpoint: string): Promise<ReadonlySet<number>> {
  const tasks = [...((await notedTasks(checkpoint)) ?? [])]
  return new Set(tasks.filter(([, state]) => state === 'stopped').map(([pid]) => pid))
}

/** PIDs of the tasks that ran before the checkpoint and are stopped now. */
export async function heldTasks(checkpoint: string): Promise<number[]> {
  const ran = [...((await notedTasks(checkpoint)) ?? [])].filter(([, state]) => state === 'running')
  const held = await Promise.all(ran.map(async ([pid]) => ((await isStopped(pid)) ? [pid] : [])))
  return held.flat()
}

/** Lets the tasks of a control group go on, but for those that were stopped before the checkpoint. */
export async function wake(checkpoint: string, controlGroup: string): Promise<void> {
  const tasks = await notedTasks(checkpoint)
  if (tasks) continueAll((await pidsOf(controlGroup)).filter((pid) => tasks.get(pid) !== 'stopped'))
}

/** Sends SIGCONT; a task that has ended needs none. */
export function continueAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGCONT')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
}

/** Stopped by a signal or a tracer: T and t of proc_pid_stat(5). */
async function isStopped(pid: number): Promise<boolean> {
  try {
    return 'Tt'.includes(parsePidStat(await readFile(`/proc/${pid}/stat`, 'utf8')).state)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return false
    throw error
  }
}
