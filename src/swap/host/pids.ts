import { readFile } from 'node:fs/promises'
import type { Obstacle } from '../../workload/obstacle.ts'
import { pidMax } from './kernels.ts'

/**
 * PIDs that may be handed out between the plan or the stage and the freeze: twice what a machine with a hundred units hands
 * out from its boot to its freeze, trial checkpoints among that, and four times the 1,000 of one with four services (journals
 * of the machine tests, Debian 13).
 */
const margin = 4096
/**
 * PIDs that a boot hands out before the services have theirs again. It is less than 600 with four services to restore, and
 * 3,000 with a hundred (the same journals).
 */
const bootPids = 8192

/**
 * The number up to which PIDs stay free for the checkpoint on the other side. What is started until the freeze comes behind
 * the last one that was handed out.
 * @param ids numbers that the carried tasks have now
 */
export async function reservation(ids: readonly number[]): Promise<number> {
  return reserve(ids, await kernelNumber('ns_last_pid'))
}

/** The same, given the number that was handed out last. */
export function reserve(ids: readonly number[], last: number): number {
  return ids.reduce((most, id) => Math.max(most, id), last + margin)
}

/**
 * What keeps a boot from handing out PIDs behind the reservation: it would begin again at the low ones, and take those of
 * services. A boot has the limit that this one has, since the same settings make it (sysctl.d(5)).
 */
export async function pidObstacles(reserved: number): Promise<Obstacle[]> {
  return narrowness(reserved, await kernelNumber('pid_max'))
}

/** The same, given the limit. */
export function narrowness(reserved: number, most: number): Obstacle[] {
  if (reserved + bootPids <= most) return []
  return [
    {
      code: 'pid-limit',
      reason: `the services need PIDs up to ${reserved}, and a boot has none behind them to hand out (kernel.pid_max is ${most})`,
      remedy:
        reserved + bootPids <= pidMax
          ? `sysctl kernel.pid_max=${pidMax}, and the same in /etc/sysctl.d`
          : 'reboot once: PIDs begin anew',
    },
  ]
}

async function kernelNumber(name: 'pid_max' | 'ns_last_pid'): Promise<number> {
  return Number(await readFile(`/proc/sys/kernel/${name}`, 'utf8'))
}
