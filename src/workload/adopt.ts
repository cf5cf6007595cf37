import { useIoUring } from './process.ts'
import type { Service } from './service.ts'
import type { Surroundings } from './surroundings.ts'

/** A setting that makes a unit carriable. */
export interface Adoption {
  readonly setting: string
  readonly givesUp: string
}

/** The fewest settings that make a service carriable; [] where it is. */
export function adoptionsOf({ processes, properties }: Service, surroundings: Surroundings): Adoption[] {
  const settings: Adoption[] = []
  if (processes.some(({ namespaces }) => namespaces.user !== surroundings.namespaces.user)) {
    settings.push({
      setting: 'PrivateUsers=no',
      givesUp: 'the processes see the user IDs of the host again; all else of the sandbox stays on',
    })
  }
  const systemV = processes.some(({ mapped }) => mapped.some((path) => path.startsWith('/SYSV')))
  if (systemV && processes.some(({ namespaces }) => namespaces.ipc === surroundings.namespaces.ipc)) {
    settings.push({
      setting: 'PrivateIPC=yes',
      givesUp: 'it no longer shares System V IPC and POSIX message queues with other services',
    })
  }
  if (useIoUring(processes)) {
    settings.push({
      setting: 'SystemCallFilter=~io_uring_setup:ENOSYS',
      givesUp: 'it does its input and output without io_uring, as on an older kernel',
    })
    // A list of calls that are allowed has one answer for all others, which may be to end the program (systemd.exec(5)).
    if (isAllowList(properties.SystemCallFilter) && !properties.SystemCallErrorNumber)
      settings.push({
        setting: 'SystemCallErrorNumber=ENOSYS',
        givesUp: 'a system call that is forbidden to it fails, and does not end it',
      })
  }
  return settings
}

/** What is shown of a list of calls that are forbidden begins with a tilde. */
function isAllowList(filter: string | undefined): boolean {
  return filter !== undefined && filter !== '' && !filter.startsWith('~')
}
