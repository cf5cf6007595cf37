import type { Report } from '../../report/report.ts'
import { type Fields, writeToJournal } from '../../tools/journald.ts'
import type { Verdict } from '../journal.ts'

/**
 * What journal messages are recognised by (systemd.journal-fields(7), MESSAGE_ID); packaging/kernelswap.catalog explains
 * each. Never change one: administrators' filters have them.
 */
export const messageIds = {
  swapped: '45066d6f24ce4a17a0d304d41be000c6',
  restored: '07cc36898c1b4105b91f0c324e68fd9e',
  aborted: '301f08dc4bb74a4c9d5f60d6cfbeffbe',
  'fell-back': '2251815f49b44eeab3352c88a2779e67',
  degraded: '400ff766bc6c47748b6ee93a620b283b',
  failed: '7621cd58ca1a403d90962be7c9a55bac',
  skipped: '0338fca8a7c54f758c0187d43bfa5be3',
} as const satisfies Record<Verdict | 'skipped', string>

/** syslog(3): error, warning, notice. */
const priorities = {
  failed: '3',
  degraded: '4',
  'fell-back': '4',
  aborted: '4',
  swapped: '5',
  restored: '5',
} as const satisfies Record<Verdict, string>

const own = { SYSLOG_IDENTIFIER: 'kernelswap' }

/** A swap begins a phase. */
export function tellPhase(id: string, phase: string): Promise<void> {
  return writeToJournal({
    ...own,
    MESSAGE: `swap ${id}: ${phase}`,
    PRIORITY: '6',
    KERNELSWAP_ID: id,
    PHASE: phase,
  })
}

/** A scheduled swap doesn't take place. */
export function tellSkipped(reason: string, isProblem: boolean): Promise<void> {
  return writeToJournal({
    ...own,
    MESSAGE: `no swap: ${reason}`,
    MESSAGE_ID: messageIds.skipped,
    PRIORITY: isProblem ? '4' : '6',
  })
}

/** A swap has its verdict: one message for each unit, and one for the whole. */
export async function tellVerdict(report: Report): Promise<void> {
  for (const fields of verdictMessages(report)) await writeToJournal(fields)
}

/** The messages that a report comes to. */
export function verdictMessages({ id, verdict, reason, kernel, workloads }: Report): Fields[] {
  const common = { ...own, KERNELSWAP_ID: id, PHASE: 'settle', VERDICT: verdict }
  return [
    ...workloads.map(({ unit, outcome, reason }) => ({
      ...common,
      MESSAGE: `swap ${id}: ${unit}: ${outcome}${reason ? `; ${reason}` : ''}`,
      PRIORITY: outcome === 'preserved' ? '6' : '4',
      UNIT: unit,
    })),
    {
      ...common,
      MESSAGE: `swap ${id} from ${kernel.from} to ${kernel.to}: ${verdict}${reason ? `; ${reason}` : ''}`,
      MESSAGE_ID: messageIds[verdict],
      PRIORITY: priorities[verdict],
    },
  ]
}
