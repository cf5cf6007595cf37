import { serviceName } from '../../tools/unit-name.ts'
import { inspectWorkloads } from '../../workload/kinds.ts'
import { inspectSurroundings, type Surroundings } from '../../workload/surroundings.ts'
import type { Workload } from '../../workload/workload.ts'

/** The host as it runs now: pure reading. */
export interface Inspection {
  readonly workloads: readonly Workload[]
  readonly surroundings: Surroundings
}

/**
 * Looks at the given units, each once, whichever of its names it is given by.
 * @throws Failure 'refused' for a unit that doesn't exist, 'usage' for what is no service.
 */
export async function inspect(units: readonly string[]): Promise<Inspection> {
  const surroundings = await inspectSurroundings()
  return { workloads: await inspectWorkloads(units.map(serviceName)), surroundings }
}
