import { pidsOf } from '../workload/service.ts'
import { type Plan, preserved } from './plan.ts'

/** PIDs of each preserved workload as it runs now, in the order of the plan. */
export function tasksOf(plan: Plan): Promise<number[][]> {
  return Promise.all(preserved(plan).map(({ controlGroup }) => pidsOf(controlGroup)))
}
