/** An installed package. */
export interface Package {
  readonly name: string
  readonly version: string
  /** `all`, or a processor architecture. */
  readonly architecture: string
}

/** Format for `dpkg-query --show`: what `parsePackages` reads. */
export const packageFormat = `${['db:Status-Abbrev', 'Package', 'Version', 'Architecture'].map(field).join('\\t')}\\n`

/** The same for `parseConffiles`. */
export const conffilesFormat = `${field('Conffiles')}\\n`

function field(name: string): string {
  return `\${${name}}`
}

/** The packages that are installed, whole; a name or version that Debian's policy doesn't allow is passed over (5.6). */
export function parsePackages(text: string): Package[] {
  const lines = text.matchAll(/^.i \t([a-z0-9][a-z0-9+.-]+)\t([A-Za-z0-9.+:~-]+)\t([a-z0-9-]+)$/gm)
  return [...lines].map(([, name, version, architecture]) => ({
    name: name!,
    version: version!,
    architecture: architecture!,
  }))
}

/** The installed packages in a file such as /var/lib/dpkg/status (deb822). */
export function parseStatus(text: string): Package[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const value = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? ''
    if (!value('Status').endsWith(' installed')) return []
    return [{ name: value('Package'), version: value('Version'), architecture: value('Architecture') }]
  })
}

/** Who owns which path, by `dpkg-query --search`: names without architecture. */
export function parseOwners(text: string): Map<string, string[]> {
  const owners = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    // `diversion by X from: /path` comes before the line that tells the owner.
    const [, names, path] = /^(?!diversion by )([^/]+): (\/.*)$/.exec(line) ?? []
    if (names === undefined || path === undefined) continue
    owners.set(
      path,
      names.split(', ').map((name) => name.replace(/:.*/, '')),
    )
  }
  return owners
}

/** Paths of configuration files that are not obsolete; each line has a path, a checksum, and perhaps a mark. */
export function parseConffiles(text: string): string[] {
  const lines = text.matchAll(/^ (\/.*?) (?:[0-9a-f]{32}|newconffile)((?: [a-z-]+)*)$/gm)
  return [...lines].filter(([, , marks]) => !marks!.includes('obsolete')).map(([, path]) => path!)
}
