import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AbiResult, diffSnapshots } from '../../../src/abi/diff.ts'
import { type Snapshot, takeSnapshot } from '../../../src/abi/snapshot.ts'
import { socketOptions } from '../../../src/tools/socket-options.ts'
import { areMendings } from '../../../src/workload/mendings.ts'
import { Sandbox } from './sandbox.ts'

const unusual = fileURLToPath(new URL('../../fixtures/abi/unusual.py', import.meta.url))

/** Options that the process can't choose, and why they aren't tried; a difference in one is found by verification. */
const untried = {
  ...{
    SO_TYPE: 'is what the socket is',
    SO_PROTOCOL: 'is what the socket is',
    SO_DOMAIN: 'is what the socket is',
  },
  ...{ SO_DONTROUTE: 'cuts connections', UDP_CORK: 'CRIU refuses it', TCP_ULP: 'CRIU refuses it' },
  ...{ SO_RESERVE_MEM: 'needs a control group of memory' },
}

const tolerate = { 'tcp-options': 'segment sizes follow the route, which the landing puts back' }

const canRestore = process.getuid?.() === 0 && isThere('criu') && isThere('python3')

/** Protects what a service had chosen: after the landing it has all of it, whatever CRIU makes of it. */
describe.runIf(canRestore)('what CRIU leaves other than it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kernelswap-unusual-'))
  const sandbox = new Sandbox()
  let pid = 0
  let snapshots: Readonly<Record<'before' | 'left' | 'mended', Snapshot>>
  let list = ''

  beforeAll(async () => {
    pid = await startUnusual(folder)
    criu(
      folder,
      'dump',
      '--tree',
      String(pid),
      '--network-lock',
      'skip',
      '--ghost-limit',
      '64M',
      '--leave-stopped',
    )
    const before = await takeSnapshot([pid], { strict: true })
    sandbox.write('/sys/devices/system/cpu/online', readFileSync('/sys/devices/system/cpu/online', 'utf8'))
    list = sandbox.ask('mend', { args: ['--list', String(pid)] }).stdout
    await end(pid)
    criu(folder, 'restore', '--restore-detached', '--leave-stopped')
    const left = await takeSnapshot([pid], { strict: true })
    expect(sandbox.run('mend', { input: list })).toEqual({ code: 0, stderr: '' })
    snapshots = { before, left, mended: await takeSnapshot([pid], { strict: true }) }
  }, 120_000)

  afterAll(async () => {
    if (pid !== 0) await end(pid)
    sandbox.remove()
    rmSync(folder, { recursive: true })
  })

  test('is as it was again', () => {
    const [left, mended] = [differences(snapshots.left), differences(snapshots.mended)]
    process.stdout.write(`\nwhat CRIU leaves → after the landing\n${table(left, mended)}\n`)
    expect(mended).toEqual([])
    // The losses that are known to do harm.
    for (const loss of [
      'file-locks',
      'TCP_DEFER_ACCEPT',
      'TCP_USER_TIMEOUT',
      'IP_MTU_DISCOVER',
      'IP_TOS',
      'coredump-filter',
      'multicast-groups',
      'unix-peers',
    ])
      expect(left.join('\n')).toContain(loss)
  })

  test('is put right once: what is as it was is left alone', async () => {
    expect(sandbox.run('mend', { input: list })).toEqual({ code: 0, stderr: '' })
    expect(areMendings(list)).toBe(true)
    // Nothing else shows whether what is mapped next gets locked.
    expect(list).toContain(`lock-future ${pid} ${pid} at-once\n`)
    expect(sandbox.ask('mend', { args: ['--list', String(pid)] }).stdout).toContain(`lock-future ${pid} `)
  })

  test('is reached by the path that a socket was given after it was bound', async () => {
    const client = createConnection(join(folder, 'moved'))
    await once(client, 'connect')
    client.destroy()
    expect(existsSync(join(folder, 'moved.new'))).toBe(false)
  })

  test('is tried with every option that can be chosen', () => {
    // A kernel may know fewer.
    const { chosen, known } = JSON.parse(readFileSync(join(folder, 'ready'), 'utf8')) as Record<
      string,
      string[]
    >
    expect(known!.filter((name) => !chosen!.includes(name)).sort()).toEqual(Object.keys(untried).sort())
  })

  function differences(after: Snapshot): string[] {
    const { differences }: AbiResult = diffSnapshots(snapshots.before, after, { strict: true, tolerate })
    return differences.map(({ facet, line }) => `${facet}: ${line}`)
  }
})

/** One line for what several descriptors or threads lose alike. */
function table(left: readonly string[], mended: readonly string[]): string {
  const rows = new Map<string, number>()
  for (const line of left) {
    const what = line.replace(/: fd \d+ .*?: (?=[A-Z])/, ' ')
    const row = `${what} → ${mended.includes(line) ? 'STILL' : 'as it was'}`
    rows.set(row, (rows.get(row) ?? 0) + 1)
  }
  return [...rows].map(([row, count]) => `${row} (${count})`).join('\n')
}

function isThere(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)))
}

/** With what a swap gives it (src/tools/criu.ts, landing/static/restore-unit). */
function criu(folder: string, verb: string, ...options: readonly string[]): void {
  const images = join(folder, 'images')
  mkdirSync(images, { recursive: true })
  const common = [
    '--manage-cgroups=ignore',
    '--tcp-established',
    '--file-locks',
    '--link-remap',
    '--ext-unix-sk',
  ]
  const args = [
    verb,
    '--no-default-config',
    '--images-dir',
    images,
    '--log-file',
    `${verb}.log`,
    ...common,
    ...options,
  ]
  execFileSync('criu', args, { stdio: 'pipe' })
}

/** In a session of its own, which CRIU asks for. */
async function startUnusual(folder: string): Promise<number> {
  const options = socketOptions.map(({ name, level, number, length, of }) => [
    name,
    level,
    number,
    length,
    of,
  ])
  const task = spawn('python3', [unusual, folder, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  task.stderr.on('data', (text) => {
    said += text
  })
  await vi.waitFor(() => expect(existsSync(join(folder, 'ready')) || said).toBe(true), { timeout: 30_000 })
  task.stderr.destroy()
  return task.pid!
}

async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), { timeout: 30_000 })
}
