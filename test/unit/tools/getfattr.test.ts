import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dumpAttributes, parseAttributes } from '../../../src/tools/getfattr.ts'
import { standIns } from '../programs.ts'

let place: string
beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'getfattr-'))
  await writeFile(join(place, 'file'), '')
})
afterEach(() => rm(place, { recursive: true }))

describe.runIf(spawnSync('getfattr', ['--version']).status === 0)('with getfattr(1)', () => {
  test('attributes are dumped, and a file that is gone is left out', async () => {
    execFileSync('setfattr', ['--name=user.name', '--value=x', join(place, 'file')])
    const dumped = await dumpAttributes(place, ['file', 'gone'])
    expect([...dumped]).toEqual([['file', '# file: file\nuser.name=0x78\n\n']])
  })
})

/** What belongs to one of several trees is told by its name, whatever is in that. */
test('each file has its own lines', () => {
  const first = '# file: ./a\\012# file: b/c d\nuser.name=0x78\nuser.other=0x79\n\n'
  const second = '# file: .\nuser.name=0x7a\n'
  expect([...parseAttributes(first + second)]).toEqual([
    ['a\n# file: b/c d', first],
    ['', second],
  ])
})

test.each([
  ['what it can’t read', 'echo "getfattr: file: Permission denied" >&2; exit 1'],
  ['what it can’t understand', 'echo "Usage: getfattr" >&2; exit 2'],
  [
    'what can’t be found, beside a worse',
    'echo "getfattr: a: No such file or directory" >&2; echo "getfattr: b: Input/output error" >&2; exit 1',
  ],
])('nothing is said to have no attributes for %s', async (_, script) => {
  const programs = standIns({ getfattr: script })
  await expect(dumpAttributes(place, ['file'])).rejects.toThrow(/getfattr/)
  programs.remove()
})
