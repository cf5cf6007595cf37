import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { messageIds, verdictMessages } from '../../../../src/swap/announce/messages.ts'
import { journalText } from '../../../../src/tools/journald.ts'
import { reportWith } from '../../report/reports.ts'

const catalog = new URL('../../../../packaging/kernelswap.catalog', import.meta.url).pathname

test('a verdict has its own id, the whole swap one message with it, each unit one without', () => {
  const [unit, whole, ...more] = verdictMessages(reportWith())
  expect(more).toEqual([])
  expect(unit).toMatchObject({ UNIT: 'redis-server.service', VERDICT: 'swapped', PRIORITY: '6' })
  expect(unit).not.toHaveProperty('MESSAGE_ID')
  expect(whole).toMatchObject({
    MESSAGE: 'swap 20261123224540 from 6.12.47 to 6.12.48: swapped',
    MESSAGE_ID: messageIds.swapped,
    KERNELSWAP_ID: '20261123224540',
    VERDICT: 'swapped',
    PRIORITY: '5',
  })
})

test('a bad one is a warning or an error, with the reason', () => {
  const whole = verdictMessages(
    reportWith({ verdict: 'failed', reason: 'redis-server.service is lost.' }),
  ).at(-1)
  expect(whole).toMatchObject({
    PRIORITY: '3',
    MESSAGE: expect.stringMatching(/: failed; redis-server\.service is lost\.$/),
  })
})

test('the catalog explains every message, and no other', () => {
  const ids = [...readFileSync(catalog, 'utf8').matchAll(/^-- ([\da-f]{32})$/gm)].map((match) => match[1])
  expect(ids.sort()).toEqual(Object.values(messageIds).sort())
})

const canCompile = spawnSync('journalctl', ['--version']).status === 0

test.runIf(canCompile)('systemd reads the catalog', () => {
  const root = mkdtempSync(join(tmpdir(), 'kernelswap-catalog-'))
  try {
    const ended = spawnSync('sh', [
      '-euc',
      'mkdir -p "$1/usr/lib/systemd/catalog" "$1/var/lib/systemd/catalog" && cp "$2" "$1/usr/lib/systemd/catalog/" && journalctl --root="$1" --update-catalog && journalctl --root="$1" --list-catalog',
      'sh',
      root,
      catalog,
    ])
    expect(String(ended.stderr)).toBe('')
    expect(String(ended.stdout).trim().split('\n')).toHaveLength(Object.keys(messageIds).length)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a value of several lines stays one field: logger takes each line for another', () => {
  expect(journalText({ MESSAGE: 'one\n  PRIORITY=0\ntwo', UNIT: undefined, PHASE: 'freeze' })).toBe(
    'MESSAGE=one PRIORITY=0 two\nPHASE=freeze\n',
  )
})

test('what a terminal would act on is shown: journalctl shows such a message as so many bytes', () => {
  expect(journalText({ MESSAGE: 'hook says \x1b[2J' })).toBe('MESSAGE=hook says \\x1b[2J\n')
})
