import { readFileSync, symlinkSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endTasks, startTask, stateOf, stop } from '../workload/stopped-tasks.ts'
import { Sandbox } from './sandbox.ts'

const unit = String.raw`a@x-y\x2dz.service`
let sandbox: Sandbox
let shell: number
let job: number

beforeEach(async () => {
  sandbox = new Sandbox()
  symlinkSync(sandbox.path('/swap'), sandbox.path('/etc/kernelswap/landing/swap'))
  for (const name of ['routes', 'sealed']) sandbox.write(`/etc/kernelswap/landing/${name}`, '')
  sandbox.write('/etc/kernelswap/landing/units.list', `${unit}\nlost.service\n`)
  sandbox.write(`/run/kernelswap/landed/${unit}`, '')
  for (const program of ['nft', 'ip'])
    sandbox.program(program, `echo "${program} $*" >> ${sandbox.path('/asked')}`)
  ;[shell, job] = [await startTask(), await startTask()]
  await stop(shell)
  await stop(job)
  // The last one has ended meanwhile.
  sandbox.write(`/swap/workloads/${unit}/tasks`, `${shell} running\n${job} stopped\n4194300 running\n`)
})
afterEach(() => {
  endTasks()
  sandbox.remove()
})

const landing = () => sandbox.list('/etc/kernelswap/landing')

test('what ran goes on, and a job that was stopped stays stopped', () => {
  expect(sandbox.run('release')).toMatchObject({ code: 0 })
  expect([stateOf(shell), stateOf(job)]).toEqual(['running', 'stopped'])
  expect(sandbox.read('/etc/kernelswap/landing/released')).toBe(
    readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'),
  )
  expect(landing()).not.toContain('sealed')
  expect(sandbox.read('/asked')).toContain('nft delete table inet kernelswap')
  expect(sandbox.list('/run/kernelswap')).toContain('released')
})

test('the tasks of a unit that is not back are nobody’s to wake', async () => {
  const other = await startTask()
  await stop(other)
  sandbox.write('/swap/workloads/lost.service/tasks', `${other} running\n`)
  expect(sandbox.run('release')).toMatchObject({ code: 0 })
  expect(stateOf(other)).toBe('stopped')
})

/** Whatever is in the file of a bundle, it names tasks and nothing else. */
test('no line makes it send another signal', () => {
  sandbox.write(`/swap/workloads/${unit}/tasks`, `-KILL ${shell} running\n${shell} running\n`)
  expect(sandbox.run('release')).toMatchObject({ code: 0 })
  expect(stateOf(shell)).toBe('running')
})

/** The next boot would restore them once more, over what they have done since. */
test('nothing runs where the disk can’t be told', () => {
  sandbox.program('sync', 'exit 1')
  expect(sandbox.run('release')).toMatchObject({ code: 1 })
  expect(stateOf(shell)).toBe('stopped')
  expect(landing()).toContain('sealed')
  expect(landing()).not.toContain('released')
  expect(sandbox.list('/run/kernelswap')).not.toContain('released')
})

test('all go on where the disk was told and keeps the seal: the mark outweighs it', () => {
  sandbox.program('sync', '[ $# -eq 2 ]')
  expect(sandbox.run('release')).toMatchObject({ code: 0 })
  expect(stateOf(shell)).toBe('running')
})

/** Such as one that a tracer holds. */
test('a task that stays stopped is told, and a second call may do better', () => {
  sandbox.program(
    'nft',
    `kill -STOP ${shell}; while ! grep -q "^State:.T" /proc/${shell}/status; do sleep 0.01; done`,
  )
  const ended = sandbox.run('release')
  expect(ended).toMatchObject({ code: 1 })
  expect(ended.stderr).toContain(`still stopped: /proc/${shell}/status`)
  expect(sandbox.list('/run/kernelswap')).not.toContain('released')
  sandbox.program('nft', 'exit 1')
  expect(sandbox.run('release')).toMatchObject({ code: 0 })
  expect(sandbox.list('/run/kernelswap')).toContain('released')
})
