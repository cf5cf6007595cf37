import { Failure } from '../../errors.ts'
import { runningServices } from '../../tools/systemd.ts'
import { isPlatform } from '../../workload/platform.ts'
import {
  inspectService,
  inspectSurroundings,
  type Service,
  type Surroundings,
} from '../../workload/service.ts'

/** The host as it runs now: pure reading. */
export interface Inspection {
  readonly services: readonly Service[]
  readonly surroundings: Surroundings
}

/**
 * Looks at the given units, or at every running service that isn't platform.
 * @throws Failure 'refused' for a unit that doesn't exist.
 */
export async function inspect(units: readonly string[]): Promise<Inspection> {
  const names = units.length > 0 ? units.map(withSuffix) : await defaultUnits()
  const surroundings = await inspectSurroundings()
  const services = await Promise.all([...new Set(names)].map(inspectService))
  return { services, surroundings }
}

/** `redis-server` means `redis-server.service`, as for systemctl. */
export function withSuffix(unit: string): string {
  if (!/^[\w:.\\@-]+$/.test(unit)) throw new Failure('usage', `${JSON.stringify(unit)} is no unit name.`)
  return unit.includes('.') ? unit : `${unit}.service`
}

/** Every running service that isn't platform. */
export async function defaultUnits(): Promise<string[]> {
  return (await runningServices()).filter((unit) => !isPlatform(unit))
}
