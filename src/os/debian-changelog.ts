import type { ChangelogEntry } from './kernel-files.ts'

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

/**
 * The same for both packages of a kernel: the one that is signed has a `+` where that which was built has a `-`, since its archive
 * has no patches.
 */
export function unsigned(version: string): string {
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
