import { Failure } from '../../errors.ts'
import { conffilesFormat, parseConffiles, parseOwners } from '../../tools/dpkg.ts'
import { answerOf, answerSeconds, type ReadHost } from './host.ts'
import type { Likeness } from './likeness.ts'
import { kindsOf, partsOf, withTargets } from './links.ts'
import { isKeptBack, isLocalUnitFile, isPlain, isWithin, outermost } from './paths.ts'
import { parseUnitFiles, partNamed, type UnitFiles, unitProperties } from './unit-files.ts'

/** What belongs to the units of a host. */
export interface Found {
  readonly units: Likeness['units']
  /** Files and directories to copy. */
  readonly members: readonly string[]
  /** Users and groups that they run as. */
  readonly accounts: readonly string[]
  readonly notes: readonly string[]
}

/**
 * Finds the files that make units what they are: configuration files of the package that brings a unit, drop-ins,
 * environment files, and what no package has brought: unit files and the programs that they start.
 * @throws Failure 'refused' for a unit that the host doesn't have.
 */
export async function findUnits(host: ReadHost, names: readonly string[]): Promise<Found> {
  const shown = await answerOf(host, 'systemctl', [
    'show',
    `--property=${unitProperties.join(',')}`,
    '--',
    ...names,
  ])
  const units = parseUnitFiles(shown)
  const unknown = units.find(({ isLoaded }) => !isLoaded)
  if (unknown)
    throw new Failure(
      'refused',
      `${host.name} has no unit ${unknown.name}; see what there is with systemctl.`,
    )
  const owners = await ownersOf(
    host,
    units.flatMap(({ source, unitFiles }) => [...(source === undefined ? [] : [source]), ...unitFiles]),
  )
  const isOwn = (path: string) => isLocalUnitFile(path) || !owners.has(path)
  const packageOf = ({ source }: UnitFiles) => (source === undefined ? undefined : owners.get(source)?.[0])
  const configuration = await configurationOf(host, [
    ...new Set(units.flatMap((unit) => packageOf(unit) ?? [])),
  ])
  const named = await unpackaged(
    host,
    units.flatMap(({ named: words }) => words),
  )
  const own = await withTargets(
    host,
    units.flatMap((unit) => [...ownFiles(unit).filter(isOwn), ...unit.environmentFiles]),
  )
  // A link may lead to a package's file, which the copy has in its own version.
  const brought = await ownersOf(host, own)
  return {
    units: units.map((unit) => ({ name: unit.name, package: packageOf(unit) ?? null })),
    members: [
      ...configuration,
      ...own.filter((path) => isWithin(path, '/etc') || !brought.has(path)),
      ...named.copied,
    ].filter((path) => !isKeptBack(path)),
    accounts: units.flatMap(({ accounts }) => accounts),
    notes: [...named.left.map(isLeft), ...units.flatMap(notesOf)],
  }
}

function isLeft(path: string): string {
  return `${path} is named by a unit and not copied, since it lies where data does; --with-data ${path} copies it`
}

/** Files that may make a unit, and the link to its file that `systemctl link` makes. */
function ownFiles({ name, source, unitFiles }: UnitFiles): string[] {
  const files = [...(source === undefined ? [] : [source]), ...unitFiles]
  return [...new Set([...files, `/etc/systemd/system/${name}`])]
}

function notesOf({ name, source, unitFiles, passing }: UnitFiles): string[] {
  const made = source !== undefined && isWithin(source, '/run') && !unitFiles.some(isLocalUnitFile)
  return [
    ...passing.map((path) => `${path} is not copied: it ends with the host's boot`),
    ...(made ? [`the file of ${name} is not copied: ${source} ends with the host's boot`] : []),
  ]
}

/** Conffiles of packages, files below /etc that they own, and what lies in directories there that are theirs alone. */
async function configurationOf(host: ReadHost, packages: readonly string[]): Promise<string[]> {
  if (packages.length === 0) return []
  const conffiles = parseConffiles(
    await answerOf(host, 'dpkg-query', ['--show', `--showformat=${conffilesFormat}`, '--', ...packages]),
  )
  const listed = (await answerOf(host, 'dpkg-query', ['--listfiles', ...packages])).split('\n')
  const owned = [...new Set([...conffiles, ...listed])].filter(
    (path) => isPlain(path) && path.startsWith('/etc/'),
  )
  const kinds = await kindsOf(host, owned)
  const directories = owned.filter((path) => kinds.get(path) === 'directory')
  const files = owned.filter((path) => ['file', 'link'].includes(kinds.get(path) ?? ''))
  const owners = await ownersOf(host, directories)
  const own = directories.filter((path) => owners.get(path)?.every((owner) => packages.includes(owner)))
  return outermost([...files, ...own])
}

/** Of the words of command lines the files that no package has brought, and where links among them lead. */
async function unpackaged(
  host: ReadHost,
  words: readonly string[],
): Promise<{ copied: string[]; left: string[] }> {
  const kinds = await kindsOf(host, [...new Set(words)], ['--dereference'])
  const files = [...kinds].flatMap(([path, kind]) => (kind === 'file' ? path : []))
  const targets =
    files.length === 0 ? [] : partsOf(await answerOf(host, 'realpath', ['--zero', '--', ...files]))
  const all = [...new Set([...files, ...targets])].filter(isPlain)
  const owners = await ownersOf(host, all)
  return partNamed(all.filter((path) => !owners.has(path) && !isKeptBack(path)))
}

/** Packages by what they own. dpkg knows a path below /usr, or as it was before /usr had all. */
async function ownersOf(host: ReadHost, paths: readonly string[]): Promise<Map<string, string[]>> {
  if (paths.length === 0) return new Map()
  const before = (path: string) => path.replace(/^\/usr\/(?=(bin|sbin|lib|lib64)\/)/, '/')
  const both = [...new Set(paths.flatMap((path) => [path, before(path), usrOf(path)]))]
  // It complains of what nobody owns, and goes on. A pattern it is only with a wildcard.
  const shown = await host.run('dpkg-query', ['--search', '--', ...both.map(literal)], {
    timeoutSeconds: answerSeconds,
  })
  const owners = parseOwners(shown.stdout)
  return new Map(
    paths.flatMap((path) => {
      const names = owners.get(path) ?? owners.get(before(path)) ?? owners.get(usrOf(path))
      return names === undefined ? [] : [[path, names] as const]
    }),
  )
}

function usrOf(path: string): string {
  return path.replace(/^\/(?=(bin|sbin|lib|lib64)\/)/, '/usr/')
}

/** dpkg-query takes `*`, `?` and `[` for wildcards, and a backslash takes that from them. */
function literal(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&')
}
