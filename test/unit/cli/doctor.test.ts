import { expect, test } from 'vitest'
import { doctorText } from '../../../src/cli/doctor.ts'
import { refusalsOf } from '../../../src/cli/scheduled.ts'
import type { Plan, WorkloadPlan } from '../../../src/swap/plan.ts'
import type { Obstacle } from '../../../src/workload/obstacle.ts'

const kexec: Obstacle = {
  code: 'kexec-disabled',
  reason: 'kexec is disabled until the next boot',
  remedy: 'reboot',
}

test('every requirement has a line; a problem has its remedy beside it', () => {
  const requirements = [
    { name: 'kexec', obstacles: [kexec] },
    { name: 'CRIU', obstacles: [] },
  ]
  const lines = doctorText(requirements, false)
  expect(lines[1]).toMatch(/^kexec +problem +kexec is disabled until the next boot +reboot$/)
  expect(lines[2]).toBe('CRIU         ok')
  expect(lines.at(-1)).toBe('not ready')
})

test('of several problems of one requirement none is left out', () => {
  const other: Obstacle = { code: 'no-kexec', reason: 'another', remedy: 'mend it' }
  const lines = doctorText([{ name: 'kexec', obstacles: [kexec, other] }], false)
  expect(lines.filter((line) => line.startsWith('kexec '))).toHaveLength(2)
})

test('a host where all is well is ready', () => {
  expect(doctorText([{ name: 'CRIU', obstacles: [] }], true).at(-1)).toBe('ready')
})

test('why a plan is refused: what is wrong with the host, and with each unit by its name', () => {
  const obstacles = [{ code: 'dbus-connection', reason: 'holds a D-Bus connection', remedy: 'restart' }]
  const workloads = [{ unit: 'app.service', obstacles } as unknown as WorkloadPlan]
  expect(refusalsOf({ host: [kexec], workloads } as unknown as Plan)).toEqual([
    kexec.reason,
    'app.service holds a D-Bus connection',
  ])
})
