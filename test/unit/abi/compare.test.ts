import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cpuAffinity } from '../../../src/abi/facets/cpu-affinity.ts'
import { facets } from '../../../src/abi/facets/index.ts'
import { memoryAdvice } from '../../../src/abi/facets/memory-advice.ts'
import { memoryBytes } from '../../../src/abi/facets/memory-bytes.ts'
import { memoryMap } from '../../../src/abi/facets/memory-map.ts'
import { socketOptions } from '../../../src/abi/facets/socket-options.ts'
import { tcpOptions } from '../../../src/abi/facets/tcp-options.ts'
import { stablePath } from '../../../src/abi/normalise.ts'
import { timeLeft } from '../../../src/abi/time-left.ts'
import type { Setting } from '../../../src/abi/types.ts'

const strict: Setting = {
  strict: true,
  sameKernel: false,
  elapsedSeconds: 10,
  heldSeconds: 0,
  tree: new Set([1]),
}
const running: Setting = { ...strict, strict: false }

test('a lost segment size is one readable line', () => {
  const label = 'TCP 10.0.0.2:6379→10.0.0.1:59762'
  const of = (mss: string) => ({ 7: { label, is: { mss, ts: 'on' } } })
  expect(tcpOptions.compare(of('1448'), of('524'), strict)).toEqual({
    kind: 'differing',
    lines: [`fd 7 ${label}: mss 1448 → 524`],
  })
})

test('an option that only one kernel has, and a buffer that the kernel tunes, are explained', () => {
  const of = (options: Record<string, string>) => ({ 3: { label: 'TCP', is: options } })
  const before = of({ SO_PASSCRED: '0', SO_RCVBUF: '131072', SO_BUF_LOCK: '0' })
  const after = of({ SO_RCVBUF: '262144', SO_BUF_LOCK: '0' })
  expect(socketOptions.compare(before, after, strict)).toMatchObject({ kind: 'explained' })
  expect(socketOptions.compare(before, after, { ...strict, sameKernel: true })).toMatchObject({
    kind: 'differing',
  })
})

test('a timer goes on while its tasks stand still between the checkpoint and the first snapshot', () => {
  const after = (left: number, heldSeconds: number) => timeLeft(0)(100, left, { ...strict, heldSeconds }).kind
  expect(after(106, 6)).toBe('explained')
  expect(after(106, 0)).toBe('differing')
  expect(after(115, 6)).toBe('differing')
})

test('what is left on a timer goes down by the time that passed', () => {
  const compare = (before: number, after: number, interval = 0) =>
    timeLeft(interval)(before, after, strict).kind
  expect(compare(100, 91)).toBe('explained')
  expect(compare(100, 150)).toBe('differing')
  expect(compare(100, 50)).toBe('differing')
  expect(compare(100, 0)).toBe('differing')
  expect(compare(5, 0)).toBe('explained')
  expect(compare(5, 28, 30)).toBe('explained')
  expect(compare(5, 40, 30)).toBe('differing')
})

const area = (start: string, end: string, permissions: string, name = '') => ({
  start,
  end,
  permissions,
  offset: '0',
  name,
})

test('another kernel’s vDSO doesn’t count, the program’s memory does', () => {
  const before = {
    areas: [area('1000', '2000', 'rw-p')],
    special: [area('7000', '9000', 'r-xp', '[vdso]')],
  }
  // CRIU leaves the old one as plain memory and maps the new one elsewhere.
  const after = {
    areas: [area('1000', '2000', 'rw-p'), area('7000', '9000', 'r-xp')],
    special: [area('a000', 'b000', 'r-xp', '[vdso]')],
  }
  expect(memoryMap.compare(before, after, strict)).toEqual({
    kind: 'explained',
    reasons: ['each kernel maps its own vDSO'],
  })
  const grown = { ...after, areas: [...after.areas, area('c000', 'd000', 'rw-p')] }
  expect(memoryMap.compare(before, grown, strict)).toMatchObject({ lines: ['c000-d000 rw-p 0: new'] })
  expect(memoryMap.compare(before, grown, running)).toMatchObject({ kind: 'explained' })
})

test('names of private temporary directories are the same on every boot', () => {
  const path = (boot: string, random: string) => `/systemd-private-${boot}-redis-server.service-${random}/tmp`
  expect(stablePath(path('0'.repeat(32), 'AbC123'))).toBe(stablePath(path('f'.repeat(32), 'zYx987')))
})

test('every facet has its own name and a row in the documentation', () => {
  const page = readFileSync(new URL('../../../docs/abi.md', import.meta.url), 'utf8')
  const rows = facets.map(
    ({ name, title, scope, manual }) => `| \`${name}\` | ${title} | ${scope} | ${manual} |`,
  )
  expect(rows.filter((row) => !page.includes(row))).toEqual([])
  expect(new Set(facets.map(({ name }) => name)).size).toBe(facets.length)
})

describe('bytes of memory', () => {
  const area = (digest: string, ...pages: [string, string][]) => ({ digest, pages })
  const before = { '1000 [heap]': area('a', ['1000', 'x'], ['2000', 'y']) }

  test('an area that was split has the same bytes; which areas there are is another facet', () => {
    const split = { '1000 [heap]': area('b', ['1000', 'x']), '2000 [heap]': area('c', ['2000', 'y']) }
    expect(memoryBytes.compare(before, split, strict).kind).toBe('equal')
  })

  test('a page that changed, came or went is named, wherever it lies now', () => {
    const after = {
      '1000 [heap]': area('b', ['1000', 'x']),
      '2000 [heap]': area('c', ['2000', 'z'], ['3000', 'w']),
    }
    expect(memoryBytes.compare(before, after, strict)).toEqual({
      kind: 'differing',
      lines: [
        '1000 [heap]: bytes differ in the page at 0x2000',
        '2000 [heap]: bytes differ in the page at 0x3000',
      ],
    })
    expect(memoryBytes.compare(before, {}, strict)).toMatchObject({ kind: 'differing' })
  })

  test('a vDSO that another kernel has elsewhere is no memory of the program, nor what CRIU makes of the old one', () => {
    const vdso = { '7000 [vdso]': area('', ['7000', 'kernel']) }
    const proxied = { '7000': area('d', ['7000', 'v']), '3000 [vdso]': area('', ['3000', 'kernel']) }
    expect(memoryBytes.compare({ ...before, ...vdso }, { ...before, ...proxied }, strict).kind).toBe('equal')
    expect(memoryBytes.compare({ ...before, ...vdso }, { ...before, ...vdso }, strict).kind).toBe('equal')
    const lost = { '1000 [vdso]': area('', ['1000', 'kernel'], ['2000', 'kernel']) }
    expect(memoryBytes.compare(before, lost, strict).kind).toBe('differing')
  })

  test('bytes whose short checksums happen to be the same differ by their digest', () => {
    const after = { '1000 [heap]': area('b', ['1000', 'x'], ['2000', 'y']) }
    expect(memoryBytes.compare(before, after, strict)).toMatchObject({ lines: ['1000 [heap]: bytes differ'] })
  })
})

test('advice: what a kernel maps for itself counts on neither side', () => {
  const own = { '1000-2000': 'dd' }
  const before = { ...own, '7000-9000': 'kernel' }
  expect(
    memoryAdvice.compare(before, { ...own, '7000-9000': 'dd', '3000-4000': 'kernel' }, strict).kind,
  ).toBe('equal')
  expect(memoryAdvice.compare(before, { ...own }, strict).kind).toBe('equal')
  expect(memoryAdvice.compare(before, { '7000-9000': 'kernel' }, strict).kind).toBe('differing')
  expect(memoryAdvice.compare(own, { ...own, '3000-4000': 'dd' }, strict).kind).toBe('differing')
})

describe('processors that a thread may run on', () => {
  const of = (allowed: string, online = '0-3') => ({ allowed, online })

  test.each([
    ['the same', of('1'), of('1'), 'equal'],
    ['all that are online, however many there could be', of('0-127'), of('0-63'), 'equal'],
    ['another one', of('1'), of('2'), 'differing'],
    ['all, where it was pinned', of('1'), of('0-3'), 'differing'],
    ['one, where it could run on any', of('0-3'), of('0'), 'differing'],
    ['all of more', of('0-3'), of('0-7', '0-7'), 'explained'],
    ['as many as before of more, where it could run on any', of('0-3'), of('0-3', '0-7'), 'differing'],
    ['those that are left', of('1,5', '0-7'), of('1'), 'explained'],
    ['others than those that are left', of('1,5', '0-7'), of('0-3'), 'differing'],
    ['any, where none of them is left', of('5', '0-7'), of('0-3'), 'explained'],
  ])('%s', (_, before, after, kind) => {
    expect(cpuAffinity.compare(before, after, strict).kind).toBe(kind)
  })
})
