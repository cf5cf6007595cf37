import { printable } from '../printer.ts'
import { outageSeconds } from './outage.ts'
import { type Report, reportSchema } from './report.ts'

/**
 * A report in the text format of Prometheus, for the textfile collector of its node exporter.
 * @param now Unix time in seconds.
 */
export function metricsText(report: Report, now: number): string {
  const verdicts = reportSchema.shape.verdict.options
  const outcomes = reportSchema.shape.workloads.element.shape.outcome.options
  const phases = new Map<string, number>()
  for (const { phase, seconds } of report.timeline) phases.set(phase, (phases.get(phase) ?? 0) + seconds)
  return [
    gauge('last_swap_timestamp_seconds', 'When the last swap got its verdict.', [[{}, Math.floor(now)]]),
    gauge(
      'last_verdict',
      'Verdict of the last swap: 1 for the one that it is.',
      verdicts.map((verdict) => [{ verdict }, verdict === report.verdict ? 1 : 0]),
    ),
    gauge('last_outage_seconds', 'How long services stood still in the last swap.', [
      [{}, Math.round(outageSeconds(report) * 1000) / 1000],
    ]),
    gauge(
      'last_phase_seconds',
      'How long each phase of the last swap took.',
      [...phases].map(([phase, seconds]) => [{ phase }, seconds]),
    ),
    gauge(
      'last_workloads',
      'Units of the last swap by what became of them.',
      outcomes.map((outcome) => [
        { outcome },
        report.workloads.filter((workload) => workload.outcome === outcome).length,
      ]),
    ),
    gauge('last_kernel_info', 'Kernels of the last swap.', [[{ ...report.kernel }, 1]]),
  ].join('')
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const full = `kernelswap_${name}`
  const lines = samples.map(([labels, value]) => `${full}${labelText(labels)} ${value}\n`)
  return [`# HELP ${full} ${help}\n`, `# TYPE ${full} gauge\n`, ...lines].join('')
}

/**
 * Label values by the rules of the text format: a backslash, a quote and a line end are escaped, and nothing else is. What
 * a terminal would act on is shown, for whoever looks into the file.
 */
function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${printable(value).replace(/[\\"]/g, '\\$&')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
