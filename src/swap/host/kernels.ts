import { access, readFile } from 'node:fs/promises'
import { Failure } from '../../errors.ts'
import { installedKernels, thisDistribution } from '../../os/distributions.ts'
import { runningKernel } from '../../os/kernel-release.ts'
import type { Obstacle } from '../../workload/obstacle.ts'

/**
 * The kernel to swap to: the wanted one, or the newest installed that isn't running.
 * @throws Failure 'refused' where there is none.
 */
export async function chooseKernel(wanted: string | undefined): Promise<string> {
  const installed = await installedKernels()
  const list = installed.join(', ') || 'none'
  if (wanted !== undefined) {
    if (installed.includes(wanted)) return wanted
    throw new Failure(
      'refused',
      `Kernel ${wanted} is not installed (there is: ${list}); install its package first.`,
    )
  }
  const newest = installed.filter((version) => version !== runningKernel()).at(-1)
  if (newest) return newest
  throw new Failure('refused', `No kernel but the running one is installed (${list}); install one first.`)
}

/** What CRIU and the landing need of a kernel (criu.org, "Linux kernel", and `criu check`). */
const neededOptions = [
  'CHECKPOINT_RESTORE',
  'NAMESPACES',
  'UTS_NS',
  'IPC_NS',
  'PID_NS',
  'NET_NS',
  'FHANDLE',
  'EVENTFD',
  'EPOLL',
  'INOTIFY_USER',
  'UNIX_DIAG',
  'INET_DIAG',
  'INET_UDP_DIAG',
  'NETLINK_DIAG',
  'NF_TABLES',
  'NF_TABLES_INET',
  'NFT_REJECT_INET',
]

/** What keeps the host from landing on this kernel. */
export async function kernelObstacles(version: string): Promise<Obstacle[]> {
  const files = thisDistribution().kernelFiles(version)
  for (const file of Object.values(files)) {
    const there = await access(file).then(
      () => true,
      () => false,
    )
    if (!there)
      return [
        {
          code: 'kernel-files',
          reason: `kernel ${version} has no ${file}`,
          remedy: "reinstall the kernel's package",
        },
      ]
  }
  const missing = missingOptions(await readFile(files.config, 'utf8'))
  if (missing.length === 0) return []
  return [
    {
      code: 'kernel-options',
      reason: `kernel ${version} is built without ${missing.map((option) => `CONFIG_${option}`).join(', ')}`,
      remedy: 'choose another kernel with --kernel',
    },
  ]
}

/** The needed options that a kernel's config file doesn't set. */
export function missingOptions(config: string): string[] {
  const set = new Set([...config.matchAll(/^CONFIG_(\w+)=[ym]$/gm)].map((match) => match[1]!))
  return neededOptions.filter((option) => !set.has(option))
}

/** What a swap gives the next kernel beside the running one's own command line. */
export interface JumpOptions {
  /** PIDs up to here belong to the checkpoint. */
  readonly lastPid: number
  /** The swap that jumps into it; undefined for the kernel that a swap goes back to. */
  readonly swap: string | undefined
  /** PID 1 keeps the hardware watchdog running with this timeout; 0 leaves that to the host. */
  readonly watchdogSeconds: number
}

const ownWords =
  /^(BOOT_IMAGE|initrd|panic|sysctl\.kernel\.(pid_max|ns_last_pid)|systemd\.watchdog_sec|kernelswap\.swap)=/

/**
 * The command line for the next kernel: this one's, with the sysctls that keep the checkpoint's PIDs free. The kernel
 * sets them before PID 1 forks anything (kernel-parameters.txt, sysctl.*), so the new boot's processes come after
 * `lastPid`. A panic there leads to an ordinary reboot, and back. Names with a dot that no module has are ignored.
 */
export function nextCommandLine(current: string, { lastPid, swap, watchdogSeconds }: JumpOptions): string {
  const kept = current
    .trim()
    .split(/\s+/)
    .filter((word) => !ownWords.test(word))
  return [
    ...kept,
    'panic=10',
    `sysctl.kernel.pid_max=${pidMax}`,
    `sysctl.kernel.ns_last_pid=${lastPid}`,
    ...(watchdogSeconds > 0 ? [`systemd.watchdog_sec=${watchdogSeconds}`] : []),
    ...(swap === undefined ? [] : [`${swapMark}${swap}`]),
  ].join(' ')
}

const swapMark = 'kernelswap.swap='

/** True where a command line says that this boot is a swap's jump: no boot loader's kernel has the swap's mark. */
export function isJumpOf(commandLine: string, swap: string): boolean {
  return commandLine.trim().split(/\s+/).includes(`${swapMark}${swap}`)
}

/** PID_MAX_LIMIT of 64-bit kernels (include/linux/threads.h). */
export const pidMax = 4_194_304
