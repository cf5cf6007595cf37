import * as z from 'zod'

/**
 * What may be in the way of a swap or a restore. Programs go by these: a code keeps its meaning, where its sentences may
 * change. docs/limits.md says what each means and what helps.
 */
export const obstacleCodes = [
  // A unit as it is now.
  'bound-socket',
  'control-groups',
  'dbus-connection',
  'descriptor-store',
  'foreign-files',
  'io-uring',
  'network-not-restored',
  'no-main-process',
  'no-single-tree',
  'not-running',
  'pid-namespace',
  'platform',
  'root-directory',
  'runs-kernelswap',
  'socket-activated',
  'sysv-ipc',
  'transient-unit',
  'unix-connection',
  'user-namespace',
  // Its trial checkpoint, and its hooks.
  'criu-too-old',
  'dump-failed',
  'hook-broken',
  'hook-veto',
  'kernel-features',
  'multipath-tcp',
  'parent-death-signal',
  'shared-code',
  'socket-protocol',
  // What else runs.
  'mounted-by-hand',
  'open-session',
  'running-container',
  'unknown-processes',
  // The host and its kernels.
  'criu-missing',
  'criu-unusable',
  'disk-space',
  'kernel-files',
  'kernel-options',
  'kexec-disabled',
  'no-fallback',
  'no-kexec',
  'outage-too-long',
  'outage-unknown',
  'pid-limit',
  'program-missing',
  'read-only',
  // What `kernelswap doctor` looks at beside.
  'configuration',
  'fleet-lock',
  'notify-command',
  'metrics-file',
  'swap-damaged',
  'swap-pending',
  'timer-inactive',
  // A host that is to take a bundle.
  'address-missing',
  'file-conflict',
  'pid-taken',
  'port-taken',
  'unit-alias',
  'unit-not-loaded',
] as const
export type ObstacleCode = (typeof obstacleCodes)[number]

export const obstacleSchema = z.object({
  code: z.enum(obstacleCodes),
  reason: z.string(),
  remedy: z.string(),
})

/** Why something can't be done, and what would help, both in words for people. */
export type Obstacle = Readonly<z.infer<typeof obstacleSchema>>

const curedByAdopting: readonly ObstacleCode[] = ['io-uring', 'sysv-ipc', 'user-namespace']

/** True for what `kernelswap adopt` puts out of the way. */
export function isCuredByAdopting({ code }: Pick<Obstacle, 'code'>): boolean {
  return curedByAdopting.includes(code)
}
