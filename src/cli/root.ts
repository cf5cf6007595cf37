import { existsSync } from 'node:fs'
import { Failure } from '../errors.ts'

/** @throws Failure 'permission' unless root runs us: reading other processes and CRIU need it. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Failure('permission', 'kernelswap must be root here; run it with sudo.')
}

/** @throws Failure 'refused' on a host without systemd as PID 1 (sd_booted(3)). */
export function requireSystemd(): void {
  if (existsSync('/run/systemd/system')) return
  throw new Failure(
    'refused',
    'This host is not run by systemd, which kernelswap needs to put services back.',
  )
}
