import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { attempt, type Ended, run } from '../host/local.ts'

/** An apt with directories of its own, which installs nothing: it finds out what another machine needs, and fetches it. */
export interface Apt {
  /** Keeps lists and packages. */
  readonly directory: string
  /** Folder of `*.sources`. */
  readonly sources: string
  /** The other machine's /var/lib/dpkg/status. */
  readonly status: string
  /** File that pins versions (apt_preferences(5)). */
  readonly preferences?: string
  /** Folder of more such files. */
  readonly preferencesFolder?: string
}

/** A package that apt would install. */
export interface Candidate {
  readonly name: string
  readonly version: string
  readonly architecture: string
}

const updateSeconds = 600
const fetchSeconds = 3600

/** Fetches the lists of packages. @throws ProgramError if a mirror doesn't answer. */
export async function updateLists(apt: Apt): Promise<void> {
  await run(...aptGet(apt, ['--error-on=any', 'update']), { timeoutSeconds: updateSeconds })
  await run(...aptGet(apt, ['autoclean']), { timeoutSeconds: updateSeconds })
}

/** Names of all packages that the lists have. */
export async function knownNames(apt: Apt): Promise<Set<string>> {
  const { stdout } = await run('apt-cache', [...options(apt), 'pkgnames'], { timeoutSeconds: updateSeconds })
  return new Set(stdout.split('\n').filter((name) => name !== ''))
}

/** What the other machine would get with these packages; how apt ended tells where there is no way. */
export async function simulateInstall(apt: Apt, names: readonly string[]): Promise<Ended> {
  return attempt(...aptGet(apt, ['--simulate', ...install(names)]), { timeoutSeconds: updateSeconds })
}

/** Fetches the packages that the other machine would get, and returns the folder that they are in. */
export async function fetchInstall(apt: Apt, names: readonly string[]): Promise<string> {
  await run(...aptGet(apt, ['--download-only', ...install(names)]), { timeoutSeconds: fetchSeconds })
  return join(apt.directory, 'archives')
}

/** Makes the directories that apt wants to find. */
export async function makeDirectories(directory: string): Promise<void> {
  for (const name of ['lists/partial', 'archives/partial'])
    await mkdir(join(directory, name), { recursive: true, mode: 0o700 })
}

/** Parses what `apt-get --simulate install` prints: `Inst name [old] (new origin [architecture])`. */
export function parseSimulation(text: string): Candidate[] {
  const lines = text.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) .*?\[(\w+)\]\)/gm)
  return [...lines].map(([, name, version, architecture]) => ({
    name: name!.replace(/:.*/, ''),
    version: version!,
    architecture: architecture!,
  }))
}

/** The file that apt fetches a package to; a colon would be a drive's to some. */
export function fileOf({ name, version, architecture }: Candidate): string {
  return `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`
}

/** What `env` is given on another machine to install package files there. Configuration that was edited there stays. */
export function installFiles(files: readonly string[], ...options: readonly string[]): string[] {
  const keeping = ['confdef', 'confold'].flatMap((how) => ['--option', `Dpkg::Options::=--force-${how}`])
  const words = ['--yes', '--no-install-recommends', '--allow-downgrades', ...keeping, ...options]
  return ['DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', ...words, ...files]
}

function install(names: readonly string[]): string[] {
  return ['--yes', '--no-install-recommends', '--allow-downgrades', 'install', ...names]
}

/** One at a time: apt gives up where another one is at work. */
function aptGet(apt: Apt, words: readonly string[]): [string, string[]] {
  return ['flock', [join(apt.directory, 'lock'), 'apt-get', ...options(apt), ...words]]
}

function options({ directory, sources, status, preferences, preferencesFolder }: Apt): string[] {
  const settings = {
    'Dir::State': directory,
    'Dir::State::lists': join(directory, 'lists'),
    'Dir::State::status': status,
    'Dir::State::extended_states': join(directory, 'extended_states'),
    'Dir::Cache': directory,
    'Dir::Cache::archives': join(directory, 'archives'),
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': sources,
    'Dir::Etc::preferences': preferences ?? '/dev/null',
    'Dir::Etc::preferencesparts': preferencesFolder ?? '/dev/null',
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': 'root',
    // The lock of the status file would be beside it, and nobody writes that.
    'Debug::NoLocking': 'true',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['--option', `${name}=${value}`])
}
