/** What one version of a kernel's package brought. */
export interface ChangelogEntry {
  /** The same for the package that was signed and the one that was built. */
  readonly version: string
  /** Its items; what only another architecture gets isn't among them. */
  readonly fixes: number
  readonly cves: readonly string[]
}

/** What separates two kernels, by their changelogs. */
export interface ChangelogDifference {
  /** Of the later versions. */
  readonly fixes: number
  /** Numbers that the earlier kernel's changelog doesn't have, in order. */
  readonly cves: readonly string[]
  /** What the earlier kernel has and the later one hasn't, as when it goes back. */
  readonly lostFixes: number
  readonly lostCves: readonly string[]
}

/**
 * Compares two changelogs. Without that of the earlier kernel, whose package may be gone, its version tells where the
 * later one's begins.
 * @returns undefined where that isn't in it.
 */
export function changelogDifference(
  before: { readonly changelog: string | undefined; readonly version: string | undefined },
  after: { readonly changelog: string },
): ChangelogDifference | undefined {
  const is = parseChangelog(after.changelog)
  if (before.changelog === undefined) {
    const from = is.findIndex(({ version }) => version === unsigned(before.version ?? ''))
    return from < 0 ? undefined : { ...sum(is.slice(0, from)), lostFixes: 0, lostCves: [] }
  }
  const was = parseChangelog(before.changelog)
  const [got, lost] = [sum(missing(is, was)), sum(missing(was, is))]
  const [old, now] = [was, is].map((entries) => new Set(sum(entries).cves))
  return {
    fixes: got.fixes,
    cves: got.cves.filter((cve) => !old!.has(cve)),
    lostFixes: lost.fixes,
    lostCves: lost.cves.filter((cve) => !now!.has(cve)),
  }
}

/** Entries of which another changelog has no version. */
function missing(entries: readonly ChangelogEntry[], other: readonly ChangelogEntry[]): ChangelogEntry[] {
  const versions = new Set(other.map(({ version }) => version))
  return entries.filter(({ version }) => !versions.has(version))
}

function sum(entries: readonly ChangelogEntry[]): Pick<ChangelogDifference, 'fixes' | 'cves'> {
  return {
    fixes: entries.reduce((count, { fixes }) => count + fixes, 0),
    cves: [...new Set(entries.flatMap(({ cves }) => cves))].sort((a, b) =>
      a.localeCompare(b, 'en', { numeric: true }),
    ),
  }
}

/** Parses a changelog (deb-changelog(5)), the latest version first. */
export function parseChangelog(text: string): ChangelogEntry[] {
  const parts = text.split(/^(?=\S+ \([^)\s]+\) [^\n]*;)/m)
  return parts.flatMap((part) => {
    const version = /^\S+ \(([^)\s]+)\)/.exec(part)?.[1]
    if (version === undefined) return []
    const items = itemsOf(part)
    return [
      {
        version: unsigned(version),
        fixes: items.length,
        cves: [...new Set(items.flatMap((item) => item.match(/CVE-\d{4}-\d{4,}/g) ?? []))],
      },
    ]
  })
}

/** The package that is signed has a `+` where that which was built has a `-`, since its archive has no patches. */
function unsigned(version: string): string {
  return version.replace('-', '+')
}

/** Work on the package itself. */
const housekeeping = /^(Sign kernel from |Bump ABI )/

function itemsOf(part: string): string[] {
  const items = part
    .split(/^(?= {2}\* )/m)
    .slice(1)
    .flatMap((block) => {
      const [head = '', ...inner] = block.replace(/^ -- .*$/m, '').split(/^ {4}- /m)
      return inner.length > 0 ? inner : [head.replace(/^ {2}\* /, '')]
    })
  return items.filter((item) => !housekeeping.test(item) && !isForeign(item))
}

/** Debian's architectures but the one whose kernels are read here; an item begins with those that it is for. */
const foreign = new Set(
  'alpha arc arm arm64 armel armhf hppa i386 ia64 loong64 m68k mips mipsel mips64el mips64r6el powerpc ppc64 ppc64el riscv64 s390 s390x sh4 sparc sparc64 x86_32'.split(
    ' ',
  ),
)

function isForeign(item: string): boolean {
  const names = /^\[([^\]]+)\]/.exec(item)?.[1]?.split(/[\s,/]+/)
  return names?.every((name) => foreign.has(name)) ?? false
}
