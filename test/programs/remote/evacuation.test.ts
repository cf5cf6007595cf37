import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { verifyBundle } from '../../../src/archive/bundle.ts'
import { inWords } from '../../../src/cli/event-text.ts'
import { fetchCheckpoint } from '../../../src/remote/evacuation.ts'
import type { RemoteHost } from '../../../src/remote/host.ts'
import { indexOf, startHost } from './evacuating-host.ts'
import { canServe, hangUp, type Server } from './sshd.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe.runIf(canServe())('a checkpoint', () => {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-evacuation-'))
  const kept = join(place, 'kept')
  const content = Buffer.alloc(3_000_000, 'memory')
  let server: Server
  let connect: () => RemoteHost
  let host: RemoteHost

  beforeAll(async () => {
    ;({ server, connect } = await startHost(place))
    writeFileSync(join(place, 'pages-1.img'), content)
    const index = indexOf('pages-1.img', content)
    writeFileSync(
      join(server.folder, 'stream'),
      Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), content]),
    )
    writeFileSync(join(server.folder, 'contents'), content)
  })
  afterAll(async () => {
    await server.stop()
    rmSync(place, { recursive: true })
  })
  beforeEach(() => {
    rmSync(kept, { recursive: true, force: true })
    host = connect()
  })
  afterEach(() => host.close())

  /**
   * What stands in for kernelswap there: how it sends all, and how the rest, from byte $from on. How it was called is in a
   * file.
   */
  function serve(send: string, rest = 'exit 3', received = ''): void {
    rmSync(join(server.folder, 'calls'), { force: true })
    const program = join(server.folder, 'bin/kernelswap')
    const script = [
      ...['#!/bin/sh', `cd ${server.folder}`, 'echo "$*" >> calls', 'from=$3', 'case $2 in'],
      ...[`--received) ${received} ;;`, `--from)\n${rest}\n;;`, `*)\n${send}\n;;`, 'esac', ''],
    ]
    writeFileSync(program, script.join('\n'))
    chmodSync(program, 0o755)
  }

  const calls = () => readFileSync(join(server.folder, 'calls'), 'utf8').trim().split('\n')
  const arrival = 'evacuation --received 20260101000000'

  test('arrives whole, is kept for its owner alone, and only then the swap goes on', async () => {
    serve('cat stream')
    const bundle = await fetchCheckpoint(host, kept, () => {})
    expect(bundle).toBe(join(kept, 'web-20260101000000.tar'))
    expect((await verifyBundle(bundle)).files).toHaveLength(1)
    expect([statSync(kept).mode & 0o777, statSync(bundle).mode & 0o777]).toEqual([0o700, 0o600])
    expect(calls()).toEqual(['evacuation', arrival])
  })

  test.each([
    ['is cut short', 'head -c 2000000 stream', 'its end is missing'],
    [
      'has another byte',
      'head -c 2000000 stream; printf x; tail -c +2000002 stream',
      'checksum of "pages-1.img" is wrong',
    ],
    ['is longer than its index says', 'cat stream stream', 'more comes than its index names'],
    ['begins with no index', 'echo "{}"; cat contents', 'its index is not one'],
    [
      'breaks off with the connection, and has gone when we come again',
      `head -c 2000000 stream; ${hangUp}`,
      'did not',
    ],
    ['comes from a program that fails', 'cat stream; echo "no disk" >&2; exit 1', 'no disk'],
    ['does not come', 'echo "No swap waits" >&2; exit 3', 'did not arrive'],
  ])('that %s is not kept, and the swap is told of no arrival', async (_, send, complaint) => {
    serve(send)
    await expect(fetchCheckpoint(host, kept, () => {})).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining(complaint),
    })
    expect(readdirSync(kept)).toEqual([])
    expect(calls()).not.toContain(arrival)
  })

  test('that arrives for a swap that waits no more is not kept', async () => {
    serve('cat stream', 'exit 3', 'echo "No swap waits" >&2; exit 3')
    await expect(fetchCheckpoint(host, kept, () => {})).rejects.toThrow('No swap waits')
    expect(readdirSync(kept)).toEqual([])
  })

  test('goes on where its connection broke, twice, and nothing comes twice', async () => {
    const again = 'tail -c +$((from + 1)) contents'
    serve(
      `head -c 1000000 stream; ${hangUp}`,
      `if [ $from -lt 2000000 ]; then ${again} | head -c 1500000; ${hangUp}; fi; ${again}`,
    )
    const said: string[] = []
    const bundle = await fetchCheckpoint(
      host,
      kept,
      inWords((line) => said.push(line)),
    )
    expect((await verifyBundle(bundle)).files).toHaveLength(1)
    const [first, second, third, ...more] = calls()
    expect([first, ...more]).toEqual(['evacuation', arrival])
    const froms = [second, third].map((call) => Number(/^evacuation --from (\d+)$/.exec(call!)?.[1]))
    expect(froms[0]).toBeGreaterThan(0)
    expect(froms[1]).toBeGreaterThan(froms[0]!)
    expect(said.filter((line) => /connecting again/.test(line))).toHaveLength(2)
  })

  test('for which there is no space here is told so', async () => {
    serve('cat stream')
    const small = mkdtempSync(join(place, 'small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', small])
    try {
      await expect(fetchCheckpoint(host, small, () => {})).rejects.toThrow(`No space left in ${small}`)
      expect(readdirSync(small)).toEqual([])
    } finally {
      execFileSync('umount', ['--lazy', small])
    }
    expect(calls()).not.toContain(arrival)
  })
})
