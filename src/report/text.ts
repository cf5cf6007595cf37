import type { Report } from './report.ts'

/** A report for people. */
export function reportText(report: Report): string {
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
    ...report.timeline.map((stretch) => `${stretchLine(stretch)}${snapshotNote(stretch.phase, report)}`),
  ].join('\n')
}

function stretchLine({ phase, seconds }: Report['timeline'][number]): string {
  return `${phase.padEnd(9)}  ${seconds.toFixed(1).padStart(7)} s`
}

/** What verification costs the services: the first of its snapshots is taken in the freeze. */
function snapshotNote(phase: string, { snapshot }: Report): string {
  if (phase !== 'freeze' || !snapshot) return ''
  const percent = (snapshot.share * 100).toFixed(0)
  return `, ${snapshot.seconds.toFixed(1)} s of it (${percent} %) for the ABI snapshot`
}

function workloadLine({ unit, policy, outcome, pid, reason }: Report['workloads'][number]): string {
  const pids = pid.before === pid.after ? `PID ${pid.after}` : `PID ${pid.before} → ${pid.after}`
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
