import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Failure } from '../../errors.ts'
import { runningServices } from '../../tools/systemd.ts'
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
 * Looks at the given units, or at every running service that isn't platform.
 * @throws Failure 'refused' for a unit that doesn't exist.
 */
export async function inspect(units: readonly string[]): Promise<Inspection> {
  const names = units.length > 0 ? units.map(withSuffix) : await defaultUnits()
  const surroundings = await inspectSurroundings()
  const services = await inspectServices([...new Set(names)])
  return { services, surroundings }
}

/** `redis-server` means `redis-server.service`, as for systemctl. */
export function withSuffix(unit: string): string {
  if (!/^[\w:.\\@-]+$/.test(unit)) throw new Failure('usage', `${JSON.stringify(unit)} is no unit name.`)
  return unit.includes('.') ? unit : `${unit}.service`
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
