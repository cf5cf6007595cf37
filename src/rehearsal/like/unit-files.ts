import { isData, isPlain } from './paths.ts'

/** What systemd says of a unit, as far as it names files and accounts. */
export interface UnitFiles {
  readonly name: string
  readonly isLoaded: boolean
  /** The unit file, or the script in /etc/init.d that it was made from; undefined where there is none. */
  readonly source: string | undefined
  /** Unit file and drop-ins. */
  readonly unitFiles: readonly string[]
  /** Drop-ins that end with this boot. */
  readonly passing: readonly string[]
  readonly environmentFiles: readonly string[]
  /** Programs, and whatever else its command lines name that may be a file. */
  readonly named: readonly string[]
  /** Users and groups that it runs as. */
  readonly accounts: readonly string[]
}

/** Properties that `parseUnitFiles` reads. */
export const unitProperties = [
  ...['Id', 'LoadState', 'FragmentPath', 'SourcePath', 'DropInPaths', 'EnvironmentFiles'],
  ...['User', 'Group', 'SupplementaryGroups'],
  ...['ExecStartPre', 'ExecStart', 'ExecStartPost', 'ExecReload', 'ExecStop', 'ExecStopPost'],
]

/** Parses `systemctl show` of several units: a block of lines `Name=value` for each, and a name may stand in several. */
export function parseUnitFiles(text: string): UnitFiles[] {
  return text
    .split(/\n\n+/)
    .filter((block) => /^Id=/m.test(block))
    .map(parseBlock)
}

function parseBlock(block: string): UnitFiles {
  const values = (name: string) =>
    [...block.matchAll(new RegExp(`^${name}=(.+)$`, 'gm'))].map(([, value]) => value!)
  const words = (name: string) => values(name).flatMap((value) => value.split(' '))
  const [fragment = ''] = values('FragmentPath')
  const [source = fragment] = values('SourcePath')
  return {
    name: values('Id')[0]!,
    isLoaded: values('LoadState')[0] === 'loaded',
    source: isPlain(source) ? source : undefined,
    unitFiles: [fragment, ...words('DropInPaths')].filter(isPlain),
    passing: words('DropInPaths').filter((path) => path.startsWith('/run/')),
    // `/etc/default/app (ignore_errors=yes)`
    environmentFiles: values('EnvironmentFiles')
      .map((value) => value.replace(/ \(ignore_errors=\w+\)$/, ''))
      .filter(isPlain),
    named: commandWords(block),
    accounts: ['User', 'Group', 'SupplementaryGroups'].flatMap(words),
  }
}

/** Absolute paths in command lines, which systemd shows as `{ path=/bin/app ; argv[]=/bin/app -c /etc/app ; … }`. */
function commandWords(block: string): string[] {
  const commands = block.matchAll(/^Exec\w+=\{ path=(.*?) ; argv\[\]=(.*?) ; ignore_errors=/gm)
  const words = [...commands].flatMap(([, path, line]) => [path!, ...line!.split(' ').map(pathIn)])
  return [...new Set(words.filter(isPlain))]
}

/** `--config=/etc/app` names /etc/app. */
function pathIn(word: string): string {
  return word.replace(/^-[\w-]+=/, '')
}

/** What of the words of its command lines is copied, and what is left because it is data. */
export function partNamed(paths: readonly string[]): { copied: string[]; left: string[] } {
  return { copied: paths.filter((path) => !isData(path)), left: paths.filter(isData) }
}
