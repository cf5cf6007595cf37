import type { PastOutage } from '../../report/html/page.ts'
import { endedSwaps } from '../store.ts'

/** Older swaps tell little of today's host. */
const most = 30

/** How long services stood still in the latest swaps of this host, the oldest first. */
export async function pastOutages(): Promise<PastOutage[]> {
  const past: PastOutage[] = []
  for await (const { report } of endedSwaps()) {
    const { id, verdict, kernel, outage } = report
    past.unshift({ id, verdict, kernel: kernel.to, seconds: outage?.seconds ?? null })
    if (past.length === most) break
  }
  return past
}
