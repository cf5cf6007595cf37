import { table } from '../src/cli/output.ts'
import type { Load } from './options.ts'
import type { LoadResult, Outage, Results } from './results.ts'
import { judge } from './targets.ts'

/** Results for people. */
export function resultsText(results: Results): string {
  return [
    `${results.clock === 'icount' ? 'Seconds of guest time: instructions counted.' : 'Seconds of wall time.'} Quote the ratios.`,
    '',
    ...table([['', 'seconds', '× floor', '× kexec + cold'], ...figureRows(results)]),
    ...phaseTables(results),
    '',
    ...table([['target', 'figure', 'verdict', 'costs most'], ...targetRows(results)]),
    ...results.problems.map((problem) => `\n${problem}`),
  ].join('\n')
}

function figureRows({ floor, loads }: Results): string[][] {
  const row = (name: string, seconds: number | undefined, kexec: number | undefined) => [
    name,
    seconds?.toFixed(2) ?? 'not measured',
    ratio(seconds, floor?.seconds),
    ratio(seconds, kexec),
  ]
  return [
    row('floor', floor?.seconds, undefined),
    ...loads.flatMap(({ load, swap, kexec, reboot }) => [
      row(`swap, service's view, ${loadText(load)}`, swap?.service, kexec?.seconds),
      row(`swap, client's view, ${loadText(load)}`, swap?.client.seconds, kexec?.seconds),
      row(`kexec + cold, ${loadText(load)}`, kexec?.seconds, kexec?.seconds),
      row(`reboot + cold, ${loadText(load)}`, reboot?.seconds, kexec?.seconds),
    ]),
  ]
}

function ratio(figure: number | undefined, reference: number | undefined): string {
  return figure === undefined || reference === undefined ? '' : (figure / reference).toFixed(2)
}

/** A load in words, such as `16 MiB` or `12 × 16 MiB`. */
export function loadText({ size, services }: Load): string {
  return services === 1 ? `${size} MiB` : `${services} × ${size} MiB`
}

function phaseTables({ floor, loads }: Results): string[] {
  const outages = [['floor', floor] as const, ...loads.flatMap(outagesOf)]
  return outages.flatMap(([name, outage]) => (outage ? ['', ...table(phaseRows(name, outage))] : []))
}

/** Every outage of a load by its name. */
export function outagesOf({ load, swap, kexec, reboot }: LoadResult): [string, Outage | undefined][] {
  return [
    [`swap, ${loadText(load)}`, swap?.client],
    [`kexec + cold, ${loadText(load)}`, kexec],
    [`reboot + cold, ${loadText(load)}`, reboot],
  ]
}

function phaseRows(name: string, { seconds, phases }: Outage): string[][] {
  return [
    [name, 'seconds', 'share'],
    ...phases.map((phase) => [
      `  ${phase.name}`,
      phase.seconds.toFixed(2).padStart(7),
      `${((phase.seconds / seconds) * 100).toFixed(0).padStart(3)} %`,
    ]),
  ]
}

function targetRows(results: Results): string[][] {
  return judge(results).map(({ target, figure, verdict, costliest }) => [
    target,
    figure ?? '',
    verdict,
    costliest ?? '',
  ])
}
