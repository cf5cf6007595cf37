import { expect, test } from 'vitest'
import type { JournalLine } from '../../../../src/swap/journal.ts'
import { frozenSteps, timedSteps, timeline } from '../../../../src/swap/report/timeline.ts'

function step(time: number, phase: string, name = phase): JournalLine {
  return { version: 1, time, boot: 'b', kernel: 'k', kind: 'step', phase, step: name }
}

const crossing = [
  step(100, 'stage', 'load-kernel'),
  step(101.5, 'stage', 'write-landing'),
  step(103, 'freeze', 'close-gate'),
  step(104, 'freeze', 'seal'),
  step(105.25, 'jump'),
]
const landed = [step(125, 'verify'), step(127, 'settle')]
const log = ['112.500 4.1 landing', '113 4.6 network', '120 11.6 restored', '121.25 12.9 gate-open'].join(
  '\n',
)

test('a swap from its first step to its verdict, the landing between', () => {
  expect(timeline([...crossing, ...landed], `${log}\n`, 128)).toEqual([
    { phase: 'stage', seconds: 3 },
    { phase: 'freeze', seconds: 2.25 },
    { phase: 'jump', seconds: 7.25 },
    { phase: 'land', seconds: 8.75 },
    { phase: 'boot', seconds: 3.75 },
    { phase: 'verify', seconds: 2 },
    { phase: 'settle', seconds: 1 },
  ])
})

test('while hooks capture, the services still run: that is no part of the freeze', () => {
  const lines = [step(100, 'stage'), step(103, 'freeze', 'capture'), step(110, 'freeze', 'close-gate')]
  expect(timeline(lines, '', 112)).toEqual([
    { phase: 'stage', seconds: 3 },
    { phase: 'capture', seconds: 7 },
    { phase: 'freeze', seconds: 2 },
  ])
})

test('an aborted one ends where it was taken back', () => {
  const aborted: JournalLine[] = [
    ...crossing.slice(0, 3),
    { version: 1, time: 103.5, boot: 'b', kernel: 'k', kind: 'undo', step: 'close-gate' },
  ]
  expect(timeline(aborted, '', 104)).toEqual([
    { phase: 'stage', seconds: 3 },
    { phase: 'freeze', seconds: 1 },
  ])
})

/** The new kernel may start with the wrong time until it is set. */
test('a clock that was set back shows no negative time', () => {
  for (const { seconds } of timeline([...crossing, step(50, 'verify')], '', 40))
    expect(seconds).toBeGreaterThanOrEqual(0)
})

test('failures and details in the landing’s log are no phases', () => {
  const failing = '112 4 landing\n113 4.5 failed link eth0\n114 5 failed landing\ngarbage\n'
  expect(timeline(crossing, failing, 120).map(({ phase }) => phase)).toEqual([
    'stage',
    'freeze',
    'jump',
    'land',
  ])
})

test('a swap that wrote nothing has no phases', () => {
  expect(timeline([], '', 1)).toEqual([])
})

test('what the freeze went into is told in seconds and as a share of it', () => {
  const lines = [
    step(90, 'freeze', 'capture'),
    step(100, 'freeze', 'close-gate'),
    step(101, 'freeze', 'checkpoint'),
    step(103, 'freeze', 'snapshot'),
    step(104.5, 'freeze', 'seal'),
    step(110, 'jump'),
  ]
  expect(frozenSteps(lines)).toEqual([
    { step: 'close-gate', seconds: 1, share: 0.1 },
    { step: 'checkpoint', seconds: 2, share: 0.2 },
    { step: 'snapshot', seconds: 1.5, share: 0.15 },
    { step: 'seal', seconds: 5.5, share: 0.55 },
  ])
})

test('a swap that was aborted before the jump has no such shares', () => {
  expect(frozenSteps(crossing.slice(0, -1))).toEqual([])
  expect(frozenSteps([step(100, 'freeze', 'close-gate'), step(103, 'freeze', 'snapshot')])).toEqual([])
})

test('every step is timed, what the landing did too, and the start of its kernel', () => {
  const steps = timedSteps([...crossing, ...landed], `${log}\n`, 128)
  expect(steps.map(({ phase, step, from, seconds }) => [`${phase} ${step}`, from, seconds])).toEqual([
    ['stage load-kernel', 0, 1.5],
    ['stage write-landing', 1.5, 1.5],
    ['freeze close-gate', 3, 1],
    ['freeze seal', 4, 1.25],
    ['jump jump', 5.25, 3.15],
    ['jump kernel', 8.4, 4.1],
    ['land network', 12.5, 0.5],
    ['land restore', 13, 7],
    ['land release', 20, 1.25],
    ['boot boot', 21.25, 3.75],
    ['verify verify', 25, 2],
    ['settle settle', 27, 1],
  ])
})
