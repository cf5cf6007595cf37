import { facets } from '../abi/facets/index.ts'
import type { Configuration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'

/**
 * A facet that nobody knows would tolerate nothing, and its difference would come as a surprise after the swap.
 * @throws Failure 'configuration' that names it, and what is known.
 */
export function refuseUnknownFacets({ unit: units }: Configuration): void {
  const known = new Set(facets.map(({ name }) => name))
  for (const [unit, { tolerate = {} }] of Object.entries(units)) {
    const unknown = Object.keys(tolerate).find((name) => !known.has(name))
    if (unknown === undefined) continue
    throw new Failure(
      'configuration',
      `unit."${unit}".tolerate: ${unknown} is no facet; correct it. Known are ${[...known].sort().join(', ')}.`,
    )
  }
}
