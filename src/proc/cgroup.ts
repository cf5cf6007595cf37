/** The control group in /proc/PID/cgroup: the one line of cgroup v2 (cgroups(7)); hosts that mount others beside have more. */
export function unifiedGroup(text: string): string {
  return /^0::(.*)$/m.exec(text)?.[1] ?? ''
}
