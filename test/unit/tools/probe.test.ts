import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import { takeSnapshot } from '../../../src/abi/snapshot.ts'
import { startProbe } from '../../../src/tools/probe.ts'
import { nothing } from './questions.ts'

const directory = mkdtempSync(join(tmpdir(), 'probe-'))
const ends: (() => void)[] = []

afterAll(() => rmSync(directory, { recursive: true }))

afterEach(() => {
  for (const end of ends.splice(0).reverse()) end()
})

test('descriptors of one open file description are named by the first', async () => {
  const path = join(directory, 'log')
  const [ours, apart] = [openSync(path, 'a'), openSync(path, 'a')]
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', ours, apart] })
  ends.push(() => child.kill('SIGKILL'), ...[ours, apart].map((fd) => () => closeSync(fd)))
  const theirs = (fd: number) => ({ pid: child.pid!, fd })
  const group = [
    { pid: process.pid, fd: ours },
    theirs(99),
    theirs(2),
    theirs(1),
    { pid: process.pid, fd: apart },
  ]
  const { answers } = await (await startProbe()).ask({ ...nothing, shared: [group] })
  expect(Object.fromEntries(answers)).toEqual({
    [`shared ${child.pid} 99`]: 'kcmp: Bad file descriptor',
    [`shared ${child.pid} 1`]: { with: `${process.pid}/${ours}` },
    [`shared ${process.pid} ${apart}`]: { with: `${child.pid}/2` },
  })
})

test('a program that logs between two looks at its descriptors still shares them', async () => {
  const log = openSync(join(directory, 'log'), 'a')
  const writer = spawn('sh', ['-c', 'while :; do echo line; done'], { stdio: ['ignore', log, log] })
  ends.push(
    () => closeSync(log),
    () => writer.kill('SIGKILL'),
  )
  const look = () => takeSnapshot([process.pid, writer.pid!], { strict: false })
  for (let round = 0; round < 5; round += 1) {
    const { differences } = diffSnapshots(await look(), await look(), { strict: true })
    expect(differences.filter(({ facet }) => facet === 'open-file-sharing')).toEqual([])
  }
})

test('a probe that nobody asks waits, and is gone once dismissed', async () => {
  const probes = () =>
    execFileSync('pgrep', ['-c', '-P', String(process.pid), 'perl'])
      .toString()
      .trim()
  const [asked, unasked] = [await startProbe(), await startProbe()]
  expect(probes()).toBe('2')
  const questions = { ...nothing, threads: [{ tid: process.pid, pid: process.pid }] }
  expect((await asked.ask(questions)).answers.size).toBe(3)
  asked.dismiss()
  expect(probes()).toBe('1')
  unasked.dismiss()
  await expect.poll(() => spawnSync('pgrep', ['-P', String(process.pid), 'perl']).status).toBe(1)
})
