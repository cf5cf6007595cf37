import { expect, test } from 'vitest'
import { metricsText } from '../../../src/report/metrics.ts'
import { reportSchema } from '../../../src/report/report.ts'
import { reportWith } from './reports.ts'

const now = 1_795_000_000.9

test('all there is to know of a swap, as node_exporter’s textfile collector reads it', () => {
  const text = metricsText(reportWith(), now)
  expect(text).toContain(
    '# HELP kernelswap_last_outage_seconds How long services stood still in the last swap.\n' +
      '# TYPE kernelswap_last_outage_seconds gauge\n' +
      'kernelswap_last_outage_seconds 11.75\n',
  )
  expect(text).toContain('kernelswap_last_swap_timestamp_seconds 1795000000\n')
  expect(text).toContain('kernelswap_last_phase_seconds{phase="freeze"} 3.5\n')
  expect(text).toContain('kernelswap_last_workloads{outcome="preserved"} 1\n')
  expect(text).toContain('kernelswap_last_workloads{outcome="lost"} 0\n')
  expect(text).toContain('kernelswap_last_kernel_info{from="6.12.47",to="6.12.48",running="6.12.48"} 1\n')
})

test('exactly one verdict is the one', () => {
  const text = metricsText(reportWith({ verdict: 'fell-back' }), now)
  const verdicts = [...text.matchAll(/^kernelswap_last_verdict\{verdict="([\w-]+)"\} ([01])$/gm)]
  expect(verdicts).toHaveLength(reportSchema.shape.verdict.options.length)
  expect(verdicts.filter((match) => match[2] === '1').map((match) => match[1])).toEqual(['fell-back'])
})

test('no series comes twice, nor a line that is no metric: the collector drops the whole file then', () => {
  const stages = ['freeze', 'jump', 'land', 'boot', 'land'].map((phase) => ({ phase, seconds: 1 }))
  const lines = metricsText(reportWith({ timeline: stages }), now)
    .trimEnd()
    .split('\n')
  const samples = lines.filter((line) => !line.startsWith('#'))
  expect(new Set(samples.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).toBe(samples.length)
  for (const line of samples)
    expect(line).toMatch(/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [\d.]+$/)
})

test('a name is quoted as the collector reads it: it knows three escapes, and others make it drop the file', () => {
  const text = metricsText(
    reportWith({ kernel: { from: 'a\\b"c', to: '6\x1b[2J\n7', running: 'x\ty' } }),
    now,
  )
  expect(text).toContain(String.raw`{from="a\\b\"c",to="6\\x1b[2J\\n7",running="x\\ty"} 1`)
})
