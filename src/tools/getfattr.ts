import { attempt, ProgramError } from '../host/local.ts'

/**
 * Dumps every extended attribute (capabilities and ACLs too) below some paths, named relative to `root`, in the form
 * that `setfattr --restore` reads; '' where there is none. Node has no call for them. Paths that don't exist are
 * left out.
 * @throws ProgramError where an attribute can't be read: it would be missing after the restore.
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
  const args = [...flags, '--', ...paths]
  const ended = await attempt('getfattr', args, { cwd: root })
  // It ends with 1 for whatever it complains of, a line each.
  const complaints = ended.stderr
    .split('\n')
    .filter((line) => !/^(.*: No such file or directory)?$/.test(line))
  if (ended.code !== 0 && (ended.code !== 1 || complaints.length > 0))
    throw new ProgramError('getfattr', args, ended, `exit code ${ended.code}`)
  return ended.stdout
}
