import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { untilInterrupted } from '../../../src/cli/interruption.ts'
import type { SwapEvent, Tell } from '../../../src/swap/event.ts'
import { bootId } from '../../../src/swap/store.ts'
import { clearTrials, findTrials, tryCheckpoints } from '../../../src/swap/trials.ts'
import { awaitedPeers } from '../../../src/tools/tcp-repair.ts'
import { dumpLimit } from '../../../src/workload/checkpoint.ts'
import { canInOwnNetwork } from '../isolated.ts'
import { surroundings, workload } from '../workload/builders.ts'

const place = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  place.directory = mkdtempSync(join(tmpdir(), 'kernelswap-trials-'))
  const own = (name: string) => join(place.directory, name)
  return {
    paths: { ...paths, state: own('state') as typeof paths.state, criu: own('criu') as typeof paths.criu },
  }
})

const state = () => join(place.directory, 'state')
const started = () => readFileSync(join(place.directory, 'started'), 'utf8').split('\n').filter(Boolean)
let tasks: ChildProcess[]

/** Stands in for CRIU: it is started as CRIU is, and sees what CRIU would. Its images are at descriptor 3. */
function criu(script: string): void {
  const file = join(place.directory, 'criu')
  writeFileSync(file, `#!/bin/sh\necho start >> ${place.directory}/started\n${script}\n`, { mode: 0o755 })
}

const fails = (error: string) => `echo "Error (criu/x.c:1): ${error}" > /proc/self/fd/3/dump.log; exit 1`

/** Services with a live process each, since their namespaces are entered. */
function services(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const task = spawn('sleep', ['1000'])
    tasks.push(task)
    return workload({
      unit: `app@${index}.service`,
      mainPid: task.pid!,
      controlGroup: '/none',
      processes: [],
    })
  })
}

/** A kernel that has nothing, for checkpoints that need nothing. */
const running = { kernel: '/dev/null', config: '/dev/null' }

const tryAll = (count: number, tell: Tell = () => {}) =>
  untilInterrupted((signal) =>
    tryCheckpoints(services(count), surroundings(), new Map(), running, tell, signal),
  )

beforeEach(() => {
  tasks = []
  mkdirSync(state(), { recursive: true })
  writeFileSync(join(place.directory, 'started'), '')
})
afterEach(() => {
  for (const task of tasks) task.kill('SIGKILL')
  rmSync(state(), { recursive: true, force: true })
})
afterAll(() => rmSync(place.directory, { recursive: true }))

const canEnter = canInOwnNetwork('nsenter --target $$ --mount --uts --net true')

describe.skipIf(!canEnter)('a trial', () => {
  test('of each service is taken, and nothing of it stays', async () => {
    criu('echo memory > /proc/self/fd/3/pages-1.img')
    const told: SwapEvent[] = []
    const trials = await tryAll(5, (event) => void told.push(event))
    expect([...trials.keys()].sort()).toEqual([0, 1, 2, 3, 4].map((index) => `app@${index}.service`))
    expect([...trials.values()].every(({ obstacle }) => obstacle === undefined)).toBe(true)
    expect(started()).toHaveLength(5)
    expect(told).toHaveLength(5)
    expect(told).toContainEqual({
      kind: 'unit',
      step: 'trial checkpoint',
      unit: 'app@4.service',
      number: 5,
      of: 5,
    })
    expect(await findTrials()).toEqual([])
  })

  /** What half a dump left must not count for a whole one. */
  test('is tried again after what passes by, without what it left', async () => {
    criu(`[ ! -e /proc/self/fd/3/core-1.img ] || { ${fails('an image is there')}; }
      : > /proc/self/fd/3/core-1.img
      [ $(wc -l < ${place.directory}/started) -gt 2 ] || { ${fails('netlink: The socket has data to read')}; }`)
    const trials = await tryAll(1)
    expect(trials.get('app@0.service')?.obstacle).toBeUndefined()
    expect(started()).toHaveLength(3)
  })

  test.each([
    ['a known cause is told at once', "Can't dump file 9: anon_inode:[io_uring]", 1, /io_uring/],
    ['an unknown one once it has come twice', 'no idea', 2, /CRIU cannot dump it: no idea/],
  ])('%s', async (_, error, starts, reason) => {
    criu(fails(error))
    const trials = await tryAll(1)
    expect(trials.get('app@0.service')?.obstacle?.reason).toMatch(reason)
    expect(started()).toHaveLength(starts)
  })

  /** systemd sends it to all of a control group: a dump that dies half-way may leave CRIU's code in the task. */
  test('goes on through the signals that would end us', async () => {
    criu('kill -TERM $$; kill -HUP $$; kill -INT $$')
    expect((await tryAll(1)).get('app@0.service')?.obstacle).toBeUndefined()
  })

  test('that is under way ends when we are asked to stop, no other begins, and nothing stays', async () => {
    criu('echo memory > /proc/self/fd/3/pages-1.img; kill -INT $PPID; sleep 0.1')
    await expect(tryAll(50)).rejects.toMatchObject({
      exitCode: 130,
      message: expect.stringMatching(/SIGINT/),
    })
    expect(started().length).toBeLessThan(50)
    expect(await findTrials()).toEqual([])
  })
})

describe('what a trial left whose kernelswap was killed', () => {
  const left = async (boot: string, controlGroup = '/none') => {
    const directory = join(state(), 'trial-abcdef')
    mkdirSync(directory)
    writeFileSync(join(directory, 'kernelswap-trial'), `${boot} ${controlGroup}`)
    writeFileSync(join(directory, 'pages-1.img'), 'memory')
    return directory
  }

  test('is removed by whoever comes next, in this boot and after a power cut', async () => {
    for (const boot of [await bootId(), 'another']) {
      const directory = await left(boot)
      await clearTrials()
      expect(existsSync(directory)).toBe(false)
    }
    mkdirSync(join(state(), 'trial-unmarked'))
    mkdirSync(join(state(), 'swaps'))
    await clearTrials()
    expect(existsSync(join(state(), 'trial-unmarked'))).toBe(false)
    expect(existsSync(join(state(), 'swaps'))).toBe(true)
  })

  test('stays while CRIU, which outlives us, goes on', async () => {
    const directory = await left(await bootId())
    const holder = spawn('sh', ['-c', `exec 9< ${directory}; echo up; exec cat`])
    tasks.push(holder)
    await once(holder.stdout, 'data')
    let isOver = false
    holder.once('exit', () => {
      isOver = existsSync(directory)
    })
    const clearing = clearTrials()
    holder.stdin.end()
    await clearing
    expect(isOver).toBe(true)
    expect(existsSync(directory)).toBe(false)
  })

  const controlGroup = '/unified/kernelswap-test'
  const canMove = (() => {
    try {
      mkdirSync(join('/sys/fs/cgroup', controlGroup))
      rmdirSync(join('/sys/fs/cgroup', controlGroup))
      return process.getuid?.() === 0
    } catch {
      return false
    }
  })()

  /** Whoever reads from a socket that CRIU left in repair mode gets EPERM: the service is deaf. */
  test.skipIf(!canMove)('leaves no connection in repair mode', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const script = `import socket, time
s = socket.create_connection(("127.0.0.1", ${port}))
s.setsockopt(6, 19, 1)
print("up", flush=True)
time.sleep(1000)`
    const task = spawn('python3', ['-c', script])
    tasks.push(task)
    await once(task.stdout, 'data')
    mkdirSync(join('/sys/fs/cgroup', controlGroup))
    try {
      writeFileSync(join('/sys/fs/cgroup', controlGroup, 'cgroup.procs'), String(task.pid))
      await left(await bootId(), controlGroup)
      expect(await awaitedPeers([task.pid!])).not.toBe('')
      await clearTrials()
      expect(await awaitedPeers([task.pid!])).toBe('')
    } finally {
      task.kill('SIGKILL')
      await once(task, 'exit')
      rmdirSync(join('/sys/fs/cgroup', controlGroup))
      server.close()
    }
  })
})

/** 30,745 areas and their log ran into a fixed limit of two minutes. */
test('a dump may take longer where there is more to it', () => {
  const mapping = (...areas: number[]) => ({ processes: areas.map((each) => ({ areas: each })) })
  expect(dumpLimit(mapping(50), 0)).toBeGreaterThanOrEqual(120)
  expect(dumpLimit(mapping(30_000, 745), 0)).toBeGreaterThan(600)
  expect(dumpLimit(mapping(50), 64e9)).toBeGreaterThan(3600)
})
