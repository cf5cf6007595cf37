import type { InetSocket } from '../proc/inet-sockets.ts'
import { pidsOf } from '../workload/control-group.ts'
import { InetTables } from '../workload/inet-tables.ts'
import { type Plan, preserved } from './plan.ts'

/** PIDs of each preserved workload as it runs now, in the order of the plan. */
export function tasksOf(plan: Plan): Promise<number[][]> {
  return Promise.all(preserved(plan).map(({ controlGroup }) => pidsOf(controlGroup)))
}

/** TCP and UDP sockets that the tasks of workloads have now. */
export function socketsOf(tasks: readonly (readonly number[])[]): InetSocket[] {
  return new InetTables().heldBy(tasks.flat())
}
