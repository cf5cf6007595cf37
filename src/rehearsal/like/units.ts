import { Failure } from '../../errors.ts'
import { conffilesFormat, parseConffiles, parseOwners } from '../../tools/dpkg.ts'
import { ask, patience, type ReadHost } from './host.ts'
import type { Likeness } from './likeness.ts'
import { isKeptBack, isPlain, isWithin, outermost } from './paths.ts'
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
  const shown = await ask(host, 'systemctl', [
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
  const sources = units.flatMap(({ source }) => source ?? [])
  const owners = await ownersOf(host, sources)
  const packageOf = ({ source }: UnitFiles) => (source === undefined ? undefined : owners.get(source)?.[0])
  const configuration = await configurationOf(host, [
    ...new Set(units.flatMap((unit) => packageOf(unit) ?? [])),
  ])
  const named = await unpackaged(
    host,
    units.flatMap(({ named: words }) => words),
  )
  return {
    units: units.map((unit) => ({ name: unit.name, package: packageOf(unit) ?? null })),
    members: [
      ...configuration,
      ...units.flatMap(({ local, environmentFiles }) => [...local, ...environmentFiles]),
      ...named.copied,
    ].filter((path) => !isKeptBack(path)),
    accounts: units.flatMap(({ accounts }) => accounts),
    notes: [...named.left.map(isLeft), ...units.flatMap(notesOf)],
  }
}

function isLeft(path: string): string {
  return `${path} is named by a unit and not copied, since it lies where data does; --with-data ${path} copies it`
}

function notesOf({ name, source, local, passing }: UnitFiles): string[] {
  const made = source !== undefined && isWithin(source, '/run') && local.length === 0
  return [
    ...passing.map((path) => `${path} is not copied: it ends with the host's boot`),
    ...(made ? [`the file of ${name} is not copied: ${source} ends with the host's boot`] : []),
  ]
}

/** Conffiles of packages, files below /etc that they own, and what lies in directories there that are theirs alone. */
async function configurationOf(host: ReadHost, packages: readonly string[]): Promise<string[]> {
  if (packages.length === 0) return []
  const conffiles = parseConffiles(
    await ask(host, 'dpkg-query', ['--show', `--showformat=${conffilesFormat}`, '--', ...packages]),
  )
  const listed = (await ask(host, 'dpkg-query', ['--listfiles', ...packages])).split('\n')
  const owned = [...new Set([...conffiles, ...listed])].filter(
    (path) => isPlain(path) && isWithin(path, '/etc'),
  )
  const directories = await ofKind(host, owned, 'directory')
  const owners = await ownersOf(host, directories)
  const own = directories.filter((path) => owners.get(path)?.every((owner) => packages.includes(owner)))
  return outermost([...owned.filter((path) => !directories.includes(path)), ...own])
}

/** Of the words of command lines the files that no package has brought, and where links among them lead. */
async function unpackaged(
  host: ReadHost,
  words: readonly string[],
): Promise<{ copied: string[]; left: string[] }> {
  const files = await ofKind(host, [...new Set(words)], 'file')
  const targets = files.length === 0 ? [] : lines(await ask(host, 'realpath', ['--zero', '--', ...files]))
  const all = [...new Set([...files, ...targets])].filter(isPlain)
  const owners = await ownersOf(host, all)
  return partNamed(all.filter((path) => !owners.has(path) && !isKeptBack(path)))
}

/** Of some paths those that are there as a directory, or as a file or a link to one. */
async function ofKind(
  host: ReadHost,
  paths: readonly string[],
  kind: 'file' | 'directory',
): Promise<string[]> {
  if (paths.length === 0) return []
  // It complains of what isn't there, and goes on.
  const shown = await host.run('stat', ['--dereference', '--printf=%F %n\\0', '--', ...paths], {
    timeoutSeconds: patience,
  })
  return lines(shown.stdout).flatMap((line) => {
    const [, found, path] = /^(regular file|regular empty file|directory) (.*)$/s.exec(line) ?? []
    if (path === undefined || (found === 'directory') !== (kind === 'directory')) return []
    return [path]
  })
}

function lines(text: string): string[] {
  return text.split('\0').filter((line) => line !== '')
}

/** Packages by what they own. dpkg knows a path below /usr, or as it was before /usr had all. */
async function ownersOf(host: ReadHost, paths: readonly string[]): Promise<Map<string, string[]>> {
  if (paths.length === 0) return new Map()
  const before = (path: string) => path.replace(/^\/usr\/(?=(bin|sbin|lib|lib64)\/)/, '/')
  const both = [...new Set(paths.flatMap((path) => [path, before(path), usrOf(path)]))]
  // It complains of what nobody owns, and goes on. A pattern it is only with a wildcard.
  const shown = await host.run('dpkg-query', ['--search', '--', ...both.map(literal)], {
    timeoutSeconds: patience,
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
