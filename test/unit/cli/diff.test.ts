import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { getPriority, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { diffCommand } from '../../../src/cli/diff.ts'
import { snapshotCommand } from '../../../src/cli/snapshot.ts'
import { untilAsleep } from '../asleep.ts'

let directory: string
let quiet: ChildProcess
let printed: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'diff-'))
  quiet = spawn('sleep', ['1000'])
  await untilAsleep(quiet.pid!)
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  quiet.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
  process.exitCode = undefined
})

/** What `kernelswap snapshot PID` prints, in a file. */
async function snapshot(name: string): Promise<string> {
  printed = ''
  await snapshotCommand().parseAsync([String(quiet.pid)], { from: 'user' })
  const file = join(directory, name)
  writeFileSync(file, printed)
  return file
}

async function diff(...args: string[]): Promise<string> {
  printed = ''
  await diffCommand().parseAsync(args, { from: 'user' })
  return printed
}

test('two snapshots of a quiet process are equal', async () => {
  const text = await diff(await snapshot('a'), await snapshot('b'))
  expect(text).toMatch(/^\d+ facets equal, 0 explained, 0 differing, \d+ unverified\n$/)
  expect(process.exitCode).toBeUndefined()
})

test('a change is one readable line, and exit code 1', async () => {
  const before = await snapshot('a')
  const nice = getPriority(quiet.pid!)
  setPriority(quiet.pid!, 15)
  const after = await snapshot('b')
  const text = await diff(before, after)
  expect(text).toContain(`${quiet.pid} (sleep) nice: ${nice} → 15`)
  expect(text).toMatch(/ 1 differing,/)
  expect(process.exitCode).toBe(1)
  expect(JSON.parse(await diff('--json', before, after))).toMatchObject({
    schema: 'kernelswap.abi/1',
    differences: [{ facet: 'nice' }],
  })
})

test('what is no snapshot is refused', async () => {
  const file = join(directory, 'other')
  writeFileSync(file, '{}')
  await expect(diff(file, file)).rejects.toThrow('is no snapshot')
  await expect(diff(join(directory, 'none'), file)).rejects.toThrow("can't be read")
  execFileSync('mkfifo', [join(directory, 'pipe')])
  await expect(diff(join(directory, 'pipe'), file)).rejects.toThrow("can't be read: it is a pipe")
})

/** Each value in a snapshot's place is tried with what it never is. */
test('a damaged snapshot is wrong usage, in a sentence, whatever is damaged', async () => {
  const whole = await snapshot('a')
  const text = readFileSync(whole, 'utf8')
  const damaged = join(directory, 'damaged')
  let refused = 0
  const tryIt = async (content: string) => {
    writeFileSync(damaged, content)
    await diff(whole, damaged).catch((error: unknown) => {
      refused += 1
      expect(error).toMatchObject({
        kind: 'usage',
        message: expect.stringMatching(/^[^\n]{10,400}\.$|makes one/),
      })
    })
  }
  const odd = [null, 7, 'x', [[]], { x: { y: null } }]
  const { tasks } = JSON.parse(text)
  for (const key of Object.keys(JSON.parse(text)))
    for (const value of odd) await tryIt(JSON.stringify({ ...JSON.parse(text), [key]: value }))
  for (const facet of Object.keys(tasks[0].facets)) {
    const facets = { ...tasks[0].facets, [facet]: { value: null } }
    await tryIt(JSON.stringify({ ...JSON.parse(text), tasks: [{ ...tasks[0], facets }] }))
  }
  for (const cut of [0, 1, 100, text.length - 2]) await tryIt(text.slice(0, cut))
  await tryIt('['.repeat(200_000))
  await tryIt(`{"schema":"kernelswap.snapshot/1","tasks":${'['.repeat(5000)}${']'.repeat(5000)}}`)
  expect(refused).toBeGreaterThan(40)
}, 60_000)
