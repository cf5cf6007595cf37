import type { Rehearsed } from '../rehearsal/rehearse.ts'
import { reportText } from '../report/text.ts'
import type { Output } from './output.ts'
import { planText } from './plan-text.ts'

/** Prints how a swap in a machine went, and sets the exit code that goes with it. */
export function tell(outcome: Rehearsed, output: Output): void {
  if (outcome.kind === 'refused') {
    output.conclude({ kind: 'plan', plan: outcome.plan }, planText(outcome.plan))
    process.exitCode = 3
    return
  }
  output.conclude({ kind: 'report', report: outcome.report }, reportText(outcome.report))
  if (outcome.report.verdict !== 'swapped') process.exitCode = 1
}
