import type { Report } from './report.ts'

/** A report for people, line by line. */
export function reportText(report: Report): string[] {
  const { kernel } = report
  return [
    `swap ${report.id}: ${report.verdict}`,
    ...(report.reason ? [`  ${report.reason}`] : []),
    '',
    `kernel     ${kernel.from} → ${kernel.to}${kernel.running === kernel.to ? '' : ` (running: ${kernel.running})`}`,
    ...report.workloads.flatMap((workload) => [
      workloadLine(workload),
      ...abiLines(workload),
      ...hookLines(workload),
    ]),
    ...(report.clients ?? []).map(clientLine),
    ...report.timeline.flatMap((stretch) => stretchLines(stretch, report)),
    ...outageLines(report),
  ]
}

/** A phase, and of the freeze what it went into: that is what services and their clients wait for. */
function stretchLines({ phase, seconds }: Report['timeline'][number], { freeze }: Report): string[] {
  const steps = phase === 'freeze' ? freeze : []
  return [
    timeLine(phase, seconds),
    ...steps.map(
      ({ step, seconds, share }) =>
        `${timeLine(`  ${step}`, seconds)}  ${(share * 100).toFixed(0).padStart(3)} %`,
    ),
  ]
}

/** What the plan promised is held against it. */
function outageLines({ outage }: Report): string[] {
  if (!outage) return []
  const { seconds, predicted } = outage
  const expected = predicted === null ? 'nobody knew how long' : `${predicted.toFixed(1)} s expected`
  return [`${timeLine('outage', seconds)}  (services stood still; ${expected})`]
}

function timeLine(name: string, seconds: number): string {
  return `${name.padEnd(13)}  ${seconds.toFixed(1).padStart(7)} s`
}

function workloadLine({ unit, policy, outcome, pid, reason }: Report['workloads'][number]): string {
  const pids = [pid.before, 0].includes(pid.after) ? `PID ${pid.before}` : `PID ${pid.before} → ${pid.after}`
  return `workload   ${unit}: ${policy === 'preserve' ? outcome : policy}, ${pids}${reason ? `; ${reason}` : ''}`
}

function abiLines({ abi }: Report['workloads'][number]): string[] {
  if (!abi) return []
  const { equal, explained, differing, unverified } = abi.facets
  const counts = `${equal} equal, ${explained} explained, ${differing} differing, ${unverified} unverified`
  const differences = abi.differences.map(
    ({ task, facet, line }) => `             ${facet} of ${task}: ${line}`,
  )
  const tolerated = abi.tolerated.map(
    ({ task, facet, line, reason }) => `             ${facet} of ${task}: ${line} (tolerated: ${reason})`,
  )
  return [`           ABI facets: ${counts}`, ...differences, ...tolerated]
}

/** How many are fine, then what the others say. */
function hookLines({ hooks }: Report['workloads'][number]): string[] {
  const asked = hooks.filter(({ outcome }) => outcome !== 'silent')
  if (asked.length === 0) return []
  const fine = asked.filter(({ outcome }) => outcome === 'ok').length
  const complaints = asked
    .filter(({ outcome }) => outcome !== 'ok')
    .flatMap(({ hook, outcome, reason, findings }) => [
      `             ${hook} ${outcome === 'broken' ? 'is broken' : 'differs'}: ${reason}`,
      ...findings
        .filter(({ level, message }) => level === 'difference' && message !== reason)
        .map(({ message }) => `               ${message}`),
    ])
  return [`           hooks: ${fine} of ${asked.length} fine`, ...complaints]
}

function clientLine(client: NonNullable<Report['clients']>[number]): string {
  const survived = client.connectionSurvived ? 'connection survived' : 'connection lost'
  const counts = `${client.requests} requests, ${client.errors} errors, ${client.lost} lost, ${client.doubled} doubled`
  return `client     ${client.service}: ${survived}, ${counts}, longest wait ${client.gapSeconds.toFixed(1)} s`
}
