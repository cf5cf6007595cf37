import { describe, expect, test } from 'vitest'
import { isConclusion, readEvent, type SwapEvent, unitTeller } from '../../../src/swap/event.ts'
import { eventLine } from '../../../src/swap/event-line.ts'
import { reportWith } from '../report/reports.ts'
import { planWith } from './plans.ts'

const report = { ...reportWith(), workloads: [] }
const events: SwapEvent[] = [
  { kind: 'message', text: 'trial checkpoint of a.service' },
  { kind: 'question', text: 'Swap the kernel now?' },
  { kind: 'plan', plan: planWith() },
  { kind: 'step', phase: 'freeze', step: 'seal', seconds: 3.25 },
  { kind: 'step', phase: 'verify', step: 'verify', kernel: '6.12.1' },
  { kind: 'undo', step: 'seal' },
  { kind: 'unit', step: 'trial checkpoint', unit: 'a.service', number: 3, of: 10 },
  { kind: 'progress', step: 'evacuate', bytes: 1, of: 2, seconds: 3 },
  { kind: 'workload', unit: 'a.service', outcome: 'cold', reason: 'it says so' },
  { kind: 'report', report },
  { kind: 'failure', failure: 'busy', exitCode: 75, message: 'Another kernelswap is at work.' },
]

test.each(events)('$kind is the same event for whoever reads its line', (event) => {
  const line = eventLine(event, 'web')
  expect(line).not.toContain('\n')
  expect(JSON.parse(line)).toMatchObject({ schema: 'kernelswap.event/1', host: 'web' })
  expect(readEvent(line)).toEqual(event)
})

/** The host that says it isn't trusted: what it says is taken for what it is, or for text. */
describe('what is no event is a message, and does nothing', () => {
  test.each([
    ['a sentence', '   1.0 s  jump: jump'],
    ['nothing', ''],
    ['another document', '{"schema":"kernelswap.plan/1"}'],
    ['another version', '{"schema":"kernelswap.event/2","kind":"undo","step":"seal"}'],
    ['a kind that nobody knows', '{"schema":"kernelswap.event/1","kind":"reboot"}'],
    ['a step without a name', '{"schema":"kernelswap.event/1","kind":"step","phase":"jump"}'],
    ['a report of another shape', '{"schema":"kernelswap.event/1","kind":"report","report":{"id":1}}'],
    ['half a line', eventLine(events[3]!).slice(0, -3)],
    ['a bottomless one', `{"kind":${'['.repeat(1_000_000)}`],
  ])('%s', (_, line) => {
    expect(readEvent(line)).toEqual({ kind: 'message', text: line })
  })
})

test('what else is in an event, and whose it says it is, is not taken over', () => {
  const line = JSON.stringify({ schema: 'kernelswap.event/1', host: 'db', ...events[5], more: true })
  expect(readEvent(line)).toEqual(events[5])
})

test('a verb ends with a report, or with a plan that is refused', () => {
  expect(events.filter(isConclusion)).toEqual([{ kind: 'report', report }])
  expect(isConclusion({ kind: 'plan', plan: planWith({ ready: false }) })).toBe(true)
})

test('units are counted as they are told', () => {
  const told: SwapEvent[] = []
  const tellUnit = unitTeller('checkpoint', 2, (event) => void told.push(event))
  for (const unit of ['b.service', 'a.service']) tellUnit(unit)
  expect(told).toEqual([
    { kind: 'unit', step: 'checkpoint', unit: 'b.service', number: 1, of: 2 },
    { kind: 'unit', step: 'checkpoint', unit: 'a.service', number: 2, of: 2 },
  ])
})
