import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createOutput, type Format, type Output, table } from '../../../src/cli/output.ts'
import { planText } from '../../../src/cli/plan-text.ts'
import { Printer } from '../../../src/printer.ts'
import type { WorkloadPlan } from '../../../src/swap/plan.ts'
import { reportWith } from '../report/reports.ts'
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
      ['A     B', 'long  x', '      y'],
    ],
    [
      'no blanks at the end of a line',
      [
        ['A', 'REASON'],
        ['unit', ''],
      ],
      ['A     REASON', 'unit'],
    ],
    ['one row', [['a', 'b']], ['a  b']],
    [
      'what a terminal acts on takes its place visibly, and as wide as it is then',
      [
        ['\x1b[2J', 'x'],
        ['unit', 'a\nb'],
      ],
      ['\\x1b[2J  x', 'unit     a\\nb'],
    ],
    ['nothing', [], []],
  ])('%s', (_, rows, lines) => {
    expect(table(rows)).toEqual(lines)
  })
})

/** Scripts parse standard output: there must be the one document and nothing else. */
describe('output', () => {
  function captured(format: Format, print: (output: Output) => void, host?: string) {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const streams = { stdout: new Printer(out), stderr: new Printer(err), ...(host ? { host } : {}) }
    print(createOutput(format, streams))
    return { out: String(out.read() ?? ''), err: String(err.read() ?? '') }
  }
  const both = (output: Output) => {
    output.say('on the way')
    output.result({ schema: 'x/1', line: 'a\nb' }, ['for people', 'and more'])
  }

  test('text', () => {
    expect(captured({}, both)).toEqual({ out: 'for people\nand more\n', err: 'on the way\n' })
  })

  test('JSON, in one line', () => {
    expect(captured({ json: true }, both)).toEqual({
      out: '{"schema":"x/1","line":"a\\nb"}\n',
      err: 'on the way\n',
    })
  })

  /** Whoever reads events must find every one of them on standard output, and nothing between them. */
  test('events, each in one line, and nothing else', () => {
    const all = (output: Output) => {
      output.say('on the \x1b way')
      output.tell({ kind: 'step', phase: 'freeze', step: 'seal', seconds: 1.5 })
      output.conclude({ kind: 'report', report: reportWith() }, ['for people'])
    }
    const { out, err } = captured({ events: true }, all, 'web')
    expect(err).toBe('')
    const common = { schema: 'kernelswap.event/1', host: 'web' }
    const lines = out.split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...common, kind: 'message', text: 'on the \x1b way' },
      { ...common, kind: 'step', phase: 'freeze', step: 'seal', seconds: 1.5 },
      { ...common, kind: 'report', report: reportWith() },
    ])
    expect(out).not.toContain('\x1b')
    expect(captured({}, all)).toEqual({
      out: 'for people\n',
      err: 'on the \\x1b way\n   1.5 s  freeze: seal\n',
    })
  })

  test('a result from elsewhere goes on as it is where it is JSON, and harmless where it is anything else', () => {
    const document = '{\n  "number": 12345678901234567890\n}\n'
    expect(captured({ json: true }, (output) => output.pass(document)).out).toBe(document)
    expect(captured({}, (output) => output.pass('one\n\x1b]52;c;QQ==\x07\n')).out).toBe(
      'one\n\\x1b]52;c;QQ==\\x07\n',
    )
    expect(captured({}, (output) => output.pass('')).out).toBe('')
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
    expect(planText(plan)).toEqual([
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
    const obstacle = {
      code: 'dbus-connection',
      reason: 'holds a D-Bus connection',
      remedy: '--restart x',
    } as const
    const text = planText({
      ...plan,
      ready: false,
      host: [{ code: 'kexec-disabled', reason: 'kexec is disabled', remedy: 'reboot' }],
      workloads: [
        { ...workload, verdict: 'refused', obstacles: [obstacle, { ...obstacle, reason: 'later' }] },
        { ...workload, unit: 'app.service', policy: 'restart' },
      ],
    }).join('\n')
    expect(text).toMatch(/refused {2}holds a D-Bus connection; remedy: --restart x\n/)
    expect(text).toMatch(/app.service .* restart$/m)
    expect(text).toMatch(/\nhost: kexec is disabled; remedy: reboot\n.*\nrefused$/)
    expect(text).not.toContain('later')
  })
})
