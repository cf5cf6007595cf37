import { thisDistribution } from '../os/distributions.ts'
import { newerKernel } from '../os/kernel-release.ts'

/**
 * The kernel that a scheduled swap goes to: one newer than the running one, or the running one where its package brought
 * a new build under the same release. Undefined while there is nothing to do.
 * @param reasons packages that asked for a reboot (/run/reboot-required.pkgs).
 */
export function dueKernel(
  installed: readonly string[],
  running: string,
  reasons: readonly string[],
): string | undefined {
  const newer = newerKernel(installed, running)
  if (newer !== undefined) return newer
  return reasons.includes(thisDistribution().kernelPackage(running)) && installed.includes(running)
    ? running
    : undefined
}
