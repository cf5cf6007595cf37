import { attempt } from '../host/local.ts'

/**
 * Dumps every extended attribute (capabilities and ACLs too) below some paths, named relative to `root`, in the form
 * that `setfattr --restore` reads; '' where there is none. Node has no call for them. Paths that don't exist are
 * left out.
 */
export async function dumpAttributes(
  root: string,
  paths: readonly string[],
  { recursive = true } = {},
): Promise<string> {
  if (paths.length === 0) return ''
  const flags = [
    ...(recursive ? ['--recursive'] : []),
    ...['--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex'],
  ]
  return (await attempt('getfattr', [...flags, '--', ...paths], { cwd: root })).stdout
}
