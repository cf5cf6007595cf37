import type { Deadline } from '../deadline.ts'
import type { Carried } from '../landing/landing.ts'

/** Does something for each workload at once; those it isn't done for in time are told by name. */
export async function eachOf(
  carried: readonly Carried[],
  limit: Deadline,
  act: (one: Carried, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(carried.map((one, index) => limit.during(one.workload.unit, () => act(one, index))))
}
