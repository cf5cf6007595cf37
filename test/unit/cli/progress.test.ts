import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createProgress } from '../../../src/cli/progress.ts'
import { Printer } from '../../../src/printer.ts'

test('a phase that goes from unit to unit is one line, which ends with the last', () => {
  const stream = new PassThrough()
  const progress = createProgress(new Printer(stream))
  progress.tell({ kind: 'message', text: 'clients: connect' })
  const unit = { kind: 'unit', step: 'trial checkpoint', of: 2 } as const
  progress.tell({ ...unit, unit: 'a.service', number: 1 })
  progress.tell({ ...unit, unit: 'b.service', number: 2 })
  progress.tell({ kind: 'step', phase: 'freeze', step: 'checkpoint', seconds: 1 })
  progress.tell({ kind: 'unit', step: 'checkpoint', unit: 'b.service', number: 1, of: 2 })
  progress.end()
  const lines = `${stream.read()}`.trimEnd().split('\n')
  expect(lines.map((line) => line.replace(/^ *[\d.]+ s {2}/, '').replace(/ +[\d.]+ s$/, ''))).toEqual([
    'clients: connect',
    'trial checkpoint: b.service (2 of 2)',
    'checkpoint: b.service (1 of 2)',
  ])
})
