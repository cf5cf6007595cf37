import { existsSync } from 'node:fs'
import { Failure } from '../errors.ts'
import { refuseLooseIn } from '../ownership.ts'
import { paths } from '../paths.ts'

/** What root keeps, reads again and goes by. Configuration and hooks are looked at as they are read. */
const ownPlaces = [paths.state, paths.swaps, paths.landing, paths.run]

/**
 * What every verb that acts begins with.
 * @throws Failure 'permission' unless root runs us: reading other processes and CRIU need it; 'configuration' where others
 *   than root could change what we keep.
 */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Failure('permission', 'kernelswap must be root here; run it with sudo.')
  // What we make is for nobody else, unless it says so.
  process.umask(0o077)
  ownPlaces.forEach(refuseLooseIn)
}

/** @throws Failure 'refused' on a host without systemd as PID 1 (sd_booted(3)). */
export function requireSystemd(): void {
  if (existsSync('/run/systemd/system')) return
  throw new Failure(
    'refused',
    'This host is not run by systemd, which kernelswap needs to put services back.',
  )
}
