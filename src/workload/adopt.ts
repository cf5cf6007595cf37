import type { Surroundings } from './surroundings.ts'
import type { TaskTree } from './task-tree.ts'

/** A setting that makes a unit carriable. */
export interface Adoption {
  readonly setting: string
  readonly givesUp: string
}

/** The fewest settings that make a service carriable; [] where it is. */
export function adoptionsOf({ processes }: TaskTree, surroundings: Surroundings): Adoption[] {
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
  return settings
}
