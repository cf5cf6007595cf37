import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { runningServices } from '../../tools/systemd.ts'
import { serviceName } from '../../tools/unit-name.ts'
import { isPlatform } from '../../workload/platform.ts'
import {
  inspectServices,
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
 * Looks at the given units, each once, whichever of its names it is given by.
 * @throws Failure 'refused' for a unit that doesn't exist, 'usage' for what is no service.
 */
export async function inspect(units: readonly string[]): Promise<Inspection> {
  const surroundings = await inspectSurroundings()
  const services = await inspectServices([...new Set(units.map(serviceName))])
  return { services: [...new Map(services.map((service) => [service.unit, service])).values()], surroundings }
}

/** Every running service that isn't platform, and isn't there to run us. */
export async function defaultUnits(): Promise<string[]> {
  const own = await ownUnit()
  return (await runningServices()).filter((unit) => !isPlatform(unit) && unit !== own)
}

/** The unit that we are the main process of, such as what `systemd-run kernelswap` makes; undefined in a shell. */
async function ownUnit(): Promise<string | undefined> {
  if (process.ppid !== 1) return undefined
  return basename((await readFile('/proc/self/cgroup', 'utf8')).trim())
}
