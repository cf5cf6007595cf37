import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Entry, entryName, Journal, parseJournal } from '../../../src/swap/journal.ts'

const entries: readonly Entry[] = [
  { kind: 'step', phase: 'stage', step: 'load-kernel' },
  { kind: 'undo', step: 'load-kernel' },
  { kind: 'error', message: 'disk “x” is full\nsecond line' },
  { kind: 'verdict', verdict: 'aborted' },
]
const line = JSON.stringify({ version: 1, time: 1, boot: 'b', kernel: 'k', ...entries[0] })

describe('on disk', () => {
  let directory = ''
  let file = ''
  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'kernelswap-journal-')), 'swap')
    file = join(directory, 'journal.jsonl')
  })
  afterEach(() => rm(join(directory, '..'), { recursive: true }))

  test('what is appended is read back in order, with boot, kernel and time', async () => {
    const journal = new Journal(directory, 'boot', 'kernel')
    for (const entry of entries) await journal.append(entry)
    const lines = await new Journal(directory, 'other boot', 'other kernel').read()
    expect(lines).toMatchObject(
      entries.map((entry) => ({ ...entry, version: 1, boot: 'boot', kernel: 'kernel' })),
    )
    expect(Date.now() / 1000 - lines[0]!.time).toBeLessThan(60)
  })

  /** What a swap says may name secrets of the services. */
  test('only root may read it', async () => {
    await new Journal(directory, 'boot', 'kernel').append(entries[0]!)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
  })

  test('a swap that wrote nothing has an empty journal', async () => {
    expect(await new Journal(directory, 'boot', 'kernel').read()).toEqual([])
  })

  test('an entry is on disk when append returns, one line each', async () => {
    const journal = new Journal(directory, 'boot', 'kernel')
    for (const [index, entry] of entries.entries()) {
      await journal.append(entry)
      expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(index + 2)
    }
  })

  /** After a power cut the next boot goes on in the same journal: its first entry must not grow onto the torn one. */
  test('what is appended after a torn line can be read', async () => {
    const journal = new Journal(directory, 'boot', 'kernel')
    await journal.append(entries[0]!)
    await appendFile(file, '{"version":1,"ti')
    await journal.append(entries[3]!)
    expect((await journal.read()).map(entryName)).toEqual(['step:load-kernel', 'verdict'])
  })

  test('a journal of which nothing but a torn line is there goes on', async () => {
    const journal = new Journal(directory, 'boot', 'kernel')
    await journal.append(entries[0]!)
    await writeFile(file, '{"ver')
    await journal.append(entries[1]!)
    expect((await journal.read()).map(entryName)).toEqual(['undo:load-kernel'])
  })
})

describe('parsing', () => {
  test('a torn last line is dropped, however much of it is there', () => {
    for (let length = 0; length <= line.length; length += 1) {
      expect(parseJournal(`${line}\n${line.slice(0, length)}`, 'j')).toHaveLength(1)
    }
  })

  test.each([
    ['no JSON', '{"version":1,'],
    ['an unknown kind', JSON.stringify({ ...JSON.parse(line), kind: 'jump' })],
    ['an unknown verdict', JSON.stringify({ ...JSON.parse(line), kind: 'verdict', verdict: 'fine' })],
    ['no boot', JSON.stringify({ ...JSON.parse(line), boot: undefined })],
    ['zeros, as a file system may leave them', '\0'.repeat(40)],
    ['an empty line', ''],
  ])('a whole line that is damaged is refused by file and line: %s', (_, damaged) => {
    expect(() => parseJournal(`${line}\n${damaged}\n${line}\n`, '/s/journal.jsonl')).toThrow(
      expect.objectContaining({
        kind: 'mismatch',
        message: expect.stringContaining('/s/journal.jsonl:2 is damaged'),
      }),
    )
  })

  /** An older kernelswap must not misread what a newer one left half done. */
  test('a journal of a newer kernelswap is refused, whatever its lines look like', () => {
    const newer = JSON.stringify({ version: 2, kind: 'something new' })
    expect(() => parseJournal(`${line}\n${newer}\n`, 'j')).toThrow(
      expect.objectContaining({
        kind: 'mismatch',
        message: expect.stringMatching(/^j:2 .*newer kernelswap/),
      }),
    )
  })
})

test('entries have the names that failure tests give them', () => {
  expect(entries.map(entryName)).toEqual(['step:load-kernel', 'undo:load-kernel', 'error', 'verdict'])
})
