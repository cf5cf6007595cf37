import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { heldTasks, noteDumpedTasks, noteTasks, stoppedBefore, wake } from '../../../src/workload/stops.ts'
import { endTasks, startTask, stateOf, stop } from './stopped-tasks.ts'

/** The tasks of the one workload here: a control group of our own takes rights that a container may lack. */
const place = vi.hoisted(() => ({ tasks: [] as number[] }))
vi.mock(import('../../../src/workload/control-group.ts'), async (original) => ({
  ...(await original()),
  pidsOf: () => Promise.resolve(place.tasks),
}))

const fixtures = fileURLToPath(new URL('../../fixtures/criu/', import.meta.url))
const group = '/system.slice/shell.service'
let checkpoint: string
let shell: number
let job: number

beforeEach(async () => {
  checkpoint = mkdtempSync(join(tmpdir(), 'kernelswap-stops-'))
  mkdirSync(join(checkpoint, 'images'))
  ;[shell, job] = [await startTask(), await startTask()]
  place.tasks = [shell, job]
})
afterEach(() => {
  endTasks()
  rmSync(checkpoint, { recursive: true })
})

const noted = () => readFileSync(join(checkpoint, 'tasks'), 'utf8')
const dumped = (pid: number, state: string) =>
  copyFileSync(`${fixtures}core-${state}.img`, join(checkpoint, `images/core-${pid}.img`))

test('a job that was stopped before the checkpoint stays so, and the others go on', async () => {
  await stop(job)
  await noteTasks(checkpoint, group)
  expect(noted()).toBe(`${shell} running\n${job} stopped\n`)
  await stop(shell)
  expect(await heldTasks(checkpoint)).toEqual([shell])
  await wake(checkpoint, group)
  expect([stateOf(shell), stateOf(job)]).toEqual(['running', 'stopped'])
  expect(await heldTasks(checkpoint)).toEqual([])
  expect(await stoppedBefore(checkpoint)).toEqual(new Set([job]))
})

/** All are stopped by then: /proc can't tell any more. */
test('what was stopped a finished checkpoint knows itself', async () => {
  await noteTasks(checkpoint, group)
  for (const [pid, state] of [
    [shell, 'running'],
    [job, 'stopped'],
  ] as const) {
    await stop(pid)
    dumped(pid, state)
  }
  await noteDumpedTasks(checkpoint, group)
  await wake(checkpoint, group)
  expect([stateOf(shell), stateOf(job)]).toEqual(['running', 'stopped'])
})

/** It would end with the old kernel, and nobody would have asked. */
test('a task that is in no checkpoint ends the freeze', async () => {
  dumped(shell, 'running')
  await expect(noteDumpedTasks(checkpoint, group)).rejects.toThrow(
    `PID ${job} of ${group} is in no checkpoint`,
  )
})

test('a task that came after the note goes on, and one that has ended is nobody’s business', async () => {
  await noteTasks(checkpoint, group)
  const late = await startTask()
  await stop(late)
  place.tasks = [shell, late, 4194300]
  await wake(checkpoint, group)
  expect(stateOf(late)).toBe('running')
})

test('a workload that no checkpoint has touched is left alone', async () => {
  await stop(job)
  await wake(checkpoint, group)
  expect(stateOf(job)).toBe('stopped')
  expect([await heldTasks(checkpoint), [...(await stoppedBefore(checkpoint))]]).toEqual([[], []])
})

test('a note that can’t be read is no empty one: its stopped tasks would be woken', async () => {
  mkdirSync(join(checkpoint, 'tasks'))
  await expect(wake(checkpoint, group)).rejects.toThrow('EISDIR')
  rmSync(join(checkpoint, 'tasks'), { recursive: true })
  writeFileSync(join(checkpoint, 'tasks'), '')
  await wake(checkpoint, group)
})
