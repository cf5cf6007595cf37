import { expect, test } from 'vitest'
import { chart } from '../../../bench/chart.ts'
import { bootMoments, type Clocks, counterAt } from '../../../bench/clock.ts'
import { loadsOf, parseOptions } from '../../../bench/options.ts'
import { phasesWithin, swapMoments } from '../../../bench/phases.ts'
import { takeTime } from '../../../bench/redis.ts'
import type { LoadResult, Outage, Results } from '../../../bench/results.ts'
import { judge } from '../../../bench/targets.ts'
import { resultsText } from '../../../bench/text.ts'
import { Failure } from '../../../src/errors.ts'
import type { JournalLine } from '../../../src/swap/journal.ts'

/** A boot whose clocks were read when the counter stood at 20 s, at 1000 ticks a second. */
const before: Clocks = {
  boot: 'old',
  counter: 20_000,
  ...{ real: 1700, monotonic: 15, log: 15, hz: 1000, init: 1, systemd: 2 },
}
/** The kernel's first line at 30 s, /init at 32 s, systemd at 33 s. */
const after: Clocks = {
  boot: 'new',
  counter: 50_000,
  ...{ real: 900, monotonic: 20, log: 20, hz: 1000, init: 2, systemd: 3 },
}

function step(time: number, boot: string, phase: string, name: string): JournalLine {
  return { version: 1, time, boot, kernel: 'k', kind: 'step', phase, step: name }
}

function outage(seconds: number, name = 'kernel'): Outage {
  return { seconds, phases: [{ name, seconds }] }
}

function swapped(size: number, services: number, service: number, client = service): LoadResult {
  const phases = [
    { name: 'kernel', seconds: service },
    { name: 'client: next try', seconds: client - service },
  ]
  return {
    load: { size, services },
    swap: { service, client: { seconds: client, phases } },
  }
}

function resultsOf(changes: Partial<Results> = {}): Results {
  return {
    schema: 'kernelswap.bench/1',
    date: '2026-11-24T17:00:00.000Z',
    ...{ clock: 'icount', versions: {}, loads: [], problems: [], ...changes },
  }
}

test('clocks of two boots that know nothing of each other meet on the counter', () => {
  expect(counterAt(before, 'real', 1701.5)).toBe(21_500)
  expect(bootMoments(after)).toEqual([
    { name: 'kernel', at: 30_000 },
    { name: 'initrd', at: 32_000 },
    { name: 'systemd', at: 33_000 },
  ])
})

test('a swap’s outage is cut at its ends, and none of it is missing or counted twice', () => {
  const journal = [
    step(1703, 'old', 'freeze', 'close-gate'),
    step(1704, 'old', 'freeze', 'checkpoint'),
    step(1706, 'old', 'jump', 'jump'),
    step(910, 'new', 'verify', 'verify'),
  ]
  const landLog =
    '894 5.00 landing\n894.5 6.00 network\n895 6.50 failed link eth0\n896 7.00 files\n897 9.00 restored\n898 10.00 gate-open\n'
  const span = { from: 23_500, to: 40_500 }
  const phases = phasesWithin(span, swapMoments({ journal, landLog, before, after }), 1000)
  expect(phases).toEqual([
    { name: 'freeze: close-gate', seconds: 0.5 },
    { name: 'freeze: checkpoint', seconds: 2 },
    { name: 'jump', seconds: 4 },
    { name: 'kernel', seconds: 2 },
    { name: 'initrd', seconds: 1 },
    { name: 'systemd', seconds: 2 },
    { name: 'land: gate, network', seconds: 1 },
    { name: 'land: seals, files', seconds: 1 },
    { name: 'land: restore', seconds: 2 },
    { name: 'land: release', seconds: 1 },
    { name: 'client: next try', seconds: 0.5 },
  ])
  expect(phases.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(17)
})

test('a figure that just meets its target passes, and a worse one is a miss with its costliest phase', () => {
  const just = resultsOf({
    floor: outage(10),
    loads: [{ ...swapped(16, 1, 18, 19.75), kexec: outage(45) }, swapped(16, 12, 27), swapped(1024, 1, 31)],
    copyGibibyte: 10.2,
    prediction: { predicted: 25, seconds: 20 },
  })
  expect(judge(just).map(({ verdict }) => verdict)).toEqual(Array(6).fill('pass'))
  const worse = resultsOf({
    floor: outage(9),
    loads: [{ ...swapped(16, 1, 18, 20), kexec: outage(44) }, swapped(16, 12, 28), swapped(1024, 1, 32)],
    copyGibibyte: 10,
    prediction: { predicted: 14.9, seconds: 20 },
  })
  expect(judge(worse).map(({ verdict, costliest }) => [verdict, costliest])).toEqual([
    ['MISS', 'kernel: 18.00 s'],
    ['MISS', 'kernel: 18.00 s'],
    ['MISS', 'client: next try: 2.00 s'],
    ['MISS', 'kernel: 14.00 s'],
    ['MISS', 'kernel: 10.00 s'],
    ['MISS', undefined],
  ])
})

test('what was not measured is said so, and is neither passed nor missed', () => {
  expect(new Set(judge(resultsOf()).map(({ verdict }) => verdict))).toEqual(new Set(['not measured']))
  const text = resultsText(resultsOf({ loads: [swapped(16, 1, 18)], problems: ['kexec broke'] }))
  expect(text).toMatch(/^floor +not measured$/m)
  expect(text).toMatch(/^kexec \+ cold, 16 MiB +not measured$/m)
  expect(text).toContain('kexec broke')
})

test('sizes and counts are varied one at a time', () => {
  expect(loadsOf([16, 256], [1, 4])).toEqual([
    { size: 16, services: 1 },
    { size: 256, services: 1 },
    { size: 16, services: 4 },
  ])
})

test('options that make no sense are refused', () => {
  expect(parseOptions([])).toMatchObject({ wall: false, loads: [{ size: 16, services: 1 }] })
  expect(parseOptions(['--wall', '--figures', 'swap']).figures).toEqual(['swap'])
  for (const args of [['--size', '0'], ['--services', '1.5'], ['--figures', 'speed'], ['--fast']])
    expect(() => parseOptions(args)).toThrow(Failure)
})

test('the time of day is taken from a whole answer only', () => {
  const answer = '*2\r\n$10\r\n1764000000\r\n$6\r\n250000\r\n'
  expect(takeTime(answer)).toEqual({ reply: 1_764_000_000.25, length: answer.length })
  for (let length = 0; length < answer.length; length += 1)
    expect(takeTime(answer.slice(0, length))).toBeNull()
  expect(() => takeTime('-LOADING Redis is loading\r\n')).toThrow('LOADING')
})

test('the chart draws every phase in proportion, and stays well-formed whatever a phase is called', () => {
  const loads = [{ load: { size: 16, services: 1 }, reboot: outage(20, 'a < b & c') }]
  const svg = chart(resultsOf({ floor: outage(10), loads }))
  const widths = [...svg.matchAll(/width="([\d.]+)%" height="18"/g)].map((match) => Number(match[1]))
  expect(widths).toHaveLength(2)
  expect(widths[1]! / widths[0]!).toBeCloseTo(2, 2)
  expect(svg).toContain('a &lt; b &amp; c: 20.00 s')
  expect(svg).not.toMatch(/a < b/)
})
