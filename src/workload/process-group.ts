import type { HostProcess } from './host-process.ts'

/** Processes that belong together: those of one unit of systemd's, or of a control group that is no unit's. */
export interface ProcessGroup {
  /** The unit, `MANAGER/UNIT` for one of a user's manager, or the control group where it is no unit's. */
  readonly name: string
  readonly controlGroup: string
  /** What the host's own systemd stops to end it; '' where it knows none. */
  readonly unit: string
  /** Where it belongs to a user's manager: the unit as that knows it, `init.scope` for the manager itself. */
  readonly ofUser: string | undefined
  readonly processes: readonly HostProcess[]
}

/** What all kernel threads are told as: whatever control group they are in, no unit has them. */
export const kernelThreads = 'kernel threads'

/** Puts every process of the host into one group. */
export function groupsOf(processes: readonly HostProcess[]): ProcessGroup[] {
  const groups = new Map<string, ProcessGroup & { readonly processes: HostProcess[] }>()
  for (const process of processes) {
    const place = process.isKernelThread ? ofKernel : placeOf(process.controlGroup)
    const known = groups.get(place.name)
    if (known) known.processes.push(process)
    else groups.set(place.name, { ...place, processes: [process] })
  }
  return [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

type Place = Omit<ProcessGroup, 'processes'>

const ofKernel: Place = { name: kernelThreads, controlGroup: '/', unit: '', ofUser: undefined }

/** A user's manager has units of its own below its control group (user@.service(5)). */
const userManager = /^user@\d+\.service$/

/** Where a process belongs: to the first unit on the way down that is no slice. */
export function placeOf(controlGroup: string): Place {
  const whole = unitBelow('', controlGroup)
  if (!userManager.test(whole.unit))
    return { ...whole, name: whole.unit || whole.controlGroup, ofUser: undefined }
  const own = unitBelow(whole.controlGroup, controlGroup)
  return {
    name: own.unit === '' ? whole.unit : `${whole.unit}/${own.unit}`,
    controlGroup: own.controlGroup,
    unit: whole.unit,
    ofUser: own.unit,
  }
}

/** The first unit below a control group on the way to another; without one, the first group that is no slice. */
function unitBelow(
  above: string,
  controlGroup: string,
): { readonly unit: string; readonly controlGroup: string } {
  const parts = controlGroup.slice(above.length).split('/').filter(Boolean)
  const slices = parts.findIndex((part) => !part.endsWith('.slice'))
  const length = slices < 0 ? parts.length : slices + 1
  const found = slices < 0 ? '' : parts[slices]!
  return {
    // A name that begins with a dot or like a file of a control group is written with an underscore (systemd: cg_escape).
    unit: /\.(service|scope|mount|socket|swap)$/.test(found) ? found.replace(/^_/, '') : '',
    controlGroup: `${above}/${parts.slice(0, length).join('/')}`.replace(/(?<=.)\/$/, ''),
  }
}
