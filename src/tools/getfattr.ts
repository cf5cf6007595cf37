import { attempt, ProgramError } from '../host/local.ts'

/** Files that have extended attributes, and of each the lines that `setfattr --restore` reads (setfattr(1)). */
export type Attributes = ReadonlyMap<string, string>

/**
 * Dumps every extended attribute (capabilities and ACLs too) below some paths, named relative to `root`. Node has no call
 * for them. Paths that don't exist are left out.
 * @throws ProgramError where an attribute can't be read: it would be missing after the restore.
 */
export async function dumpAttributes(
  root: string,
  paths: readonly string[],
  { recursive = true } = {},
): Promise<Attributes> {
  if (paths.length === 0) return new Map()
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
  return parseAttributes(ended.stdout)
}

/** Parses what getfattr(1) prints: a paragraph for each file, by whose name it begins. */
export function parseAttributes(text: string): Attributes {
  const paragraphs = text.split(/^(?=# file: )/m).filter((paragraph) => paragraph.startsWith('# file: '))
  return new Map(paragraphs.map((paragraph) => [nameIn(paragraph), paragraph]))
}

/** What would disturb in it is three octal digits. */
function nameIn(paragraph: string): string {
  return paragraph
    .slice('# file: '.length, paragraph.indexOf('\n'))
    .replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
    .replace(/^\.\//, '')
    .replace(/^\.$/, '')
}
