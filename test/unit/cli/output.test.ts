import { afterEach, describe, expect, test, vi } from 'vitest'
import { createOutput, table } from '../../../src/cli/output.ts'
import { planText } from '../../../src/cli/plan.ts'
import type { WorkloadPlan } from '../../../src/swap/plan.ts'
import { planWith } from '../swap/plans.ts'

describe('table', () => {
  test.each([
    [
      'columns as wide as their widest cell',
      [
        ['A', 'B'],
        ['long', 'x'],
        ['', 'y'],
      ],
      'A     B\nlong  x\n      y',
    ],
    [
      'no blanks at the end of a line',
      [
        ['A', 'REASON'],
        ['unit', ''],
      ],
      'A     REASON\nunit',
    ],
    ['one row', [['a', 'b']], 'a  b'],
    ['nothing', [], ''],
  ])('%s', (_, rows, text) => {
    expect(table(rows)).toBe(text)
  })
})

/** Scripts parse standard output: there must be the one document and nothing else. */
describe('output', () => {
  afterEach(() => vi.restoreAllMocks())

  function captured(json: boolean): { out: string; err: string } {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const output = createOutput(json)
    output.say('on the way')
    output.result({ schema: 'x/1', line: 'a\nb' }, 'for people')
    return { out: out.mock.calls.join(''), err: err.mock.calls.join('') }
  }

  test('text', () => {
    expect(captured(false)).toEqual({ out: 'for people\n', err: 'on the way\n' })
  })

  test('JSON, in one line', () => {
    expect(captured(true)).toEqual({ out: '{"schema":"x/1","line":"a\\nb"}\n', err: 'on the way\n' })
  })
})

describe('plan', () => {
  const workload: WorkloadPlan = {
    unit: 'redis-server.service',
    policy: 'preserve',
    onRestoreFailure: 'cold',
    onVerifyFailure: 'keep',
    tolerate: {},
    verdict: 'ready',
    obstacles: [],
    mainPid: 331,
    controlGroup: '/system.slice/redis-server.service',
    processes: 1,
    memoryBytes: 3 * 1024 * 1024,
    connections: 2,
    trialSeconds: 0.5,
  }
  const plan = planWith({ workloads: [workload] })

  test('ready', () => {
    expect(planText(plan).split('\n')).toEqual([
      'old → new',
      '',
      'UNIT                  PROCESSES  MEMORY   TCP  VERDICT  REASON',
      'redis-server.service  1          3.0 MiB  2    ready',
      '',
      'services stand still for an unknown time: no swap has been measured here yet',
      'ready',
    ])
  })

  test('refused, with reason and remedy for the host and the first obstacle of each unit', () => {
    const obstacle = { reason: 'holds a D-Bus connection', remedy: '--restart x' }
    const text = planText({
      ...plan,
      ready: false,
      host: [{ reason: 'kexec is disabled', remedy: 'reboot' }],
      workloads: [
        { ...workload, verdict: 'refused', obstacles: [obstacle, { reason: 'later', remedy: '' }] },
        { ...workload, unit: 'app.service', policy: 'restart' },
      ],
    })
    expect(text).toMatch(/refused {2}holds a D-Bus connection; remedy: --restart x\n/)
    expect(text).toMatch(/app.service .* restart$/m)
    expect(text).toMatch(/\nhost: kexec is disabled; remedy: reboot\n.*\nrefused$/)
    expect(text).not.toContain('later')
  })
})
