import { type InetSocket, tcpEstablished } from '../proc/inet-sockets.ts'
import { memoryOfProcess, type Process } from './process.ts'

/** Tasks that come along together, as they run now. */
export interface TaskTree {
  /** The systemd unit that holds them: by it they go everywhere, whatever kind of workload they are. */
  readonly unit: string
  /** Its root; 0 where it doesn't run. */
  readonly mainPid: number
  /** Its tasks are those in it and below (`pidsOf` looks afresh); '' where it doesn't run. */
  readonly controlGroup: string
  /** Its processes, as they were found. */
  readonly processes: readonly Process[]
  /** TCP and UDP sockets that they hold. */
  readonly inetSockets: readonly InetSocket[]
}

/** What its processes would write into a checkpoint now, in bytes. */
export function memoryOf({ processes }: Pick<TaskTree, 'processes'>): number {
  return processes.reduce((sum, { pid }) => sum + memoryOfProcess(pid), 0)
}

/** Number of its established TCP connections. */
export function connectionsOf({ inetSockets }: Pick<TaskTree, 'inetSockets'>): number {
  return inetSockets.filter(({ protocol, state }) => protocol === 'tcp' && state === tcpEstablished).length
}
