import { readdir, readFile } from 'node:fs/promises'
import { ifMissing } from '../errors.ts'
import { parseCpuList } from '../proc/cpu-list.ts'
import { parseKeyedLines } from '../proc/keyed-lines.ts'
import type { DumpedConnections } from '../tools/tcp-repair.ts'

/**
 * What CRIU leaves other than it was, in lines that the landing's `mend` reads: what, PID, and what else that takes. Read of
 * tasks that stand still, since they are put right before they run again.
 */
export async function mendings(
  pids: readonly number[],
  { unscaled }: Pick<DumpedConnections, 'unscaled'>,
): Promise<string> {
  const online = parseCpuList(await readFile('/sys/devices/system/cpu/online', 'utf8'))
  const affinities = await Promise.all(pids.map((pid) => affinityOf(pid, online)))
  return [unscaled.replaceAll(/^(?=.)/gm, 'unscaled '), ...affinities.flat()].join('')
}

/** True for lines that `mend` understands, whoever wrote them. */
export function areMendings(lines: string): boolean {
  return /^(unscaled \d+ \d+\n|affinity \d+ \d+ (all|[\d,-]+)\n)*$/.test(lines)
}

/** Each thread has its own: PID, TID, and the processors it may run on, `all` where that is every one. */
async function affinityOf(pid: number, online: readonly number[]): Promise<string[]> {
  const tids = await readdir(`/proc/${pid}/task`).catch(ifMissing<string[]>([]))
  return Promise.all(
    tids.map(async (tid) => {
      const status = parseKeyedLines(await readFile(`/proc/${pid}/task/${tid}/status`, 'utf8'))
      const list = status.get('Cpus_allowed_list') ?? ''
      const allowed = new Set(parseCpuList(list))
      return `affinity ${pid} ${tid} ${online.every((cpu) => allowed.has(cpu)) ? 'all' : list}\n`
    }),
  )
}
