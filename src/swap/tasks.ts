import type { InetSocket } from '../proc/inet-sockets.ts'
import { inetSocketsOf, pidsOf } from '../workload/service.ts'
import { type Plan, preserved } from './plan.ts'

/** PIDs of each preserved workload as it runs now, in the order of the plan. */
export function tasksOf(plan: Plan): Promise<number[][]> {
  return Promise.all(preserved(plan).map(({ controlGroup }) => pidsOf(controlGroup)))
}

/** TCP and UDP sockets of the preserved workloads as they run now. */
export async function socketsOf(plan: Plan): Promise<InetSocket[]> {
  return (await Promise.all((await tasksOf(plan)).map(inetSocketsOf))).flat()
}
