import { dirname, resolve } from 'node:path'
import { answerOf, answerSeconds, type ReadHost } from './host.ts'
import { isPlain } from './paths.ts'

type Kind = 'file' | 'directory' | 'link'

/** Types of files in st_mode (inode(7)); the others are of no use in a copy. */
const kindsByType: Readonly<Record<number, Kind>> = { 8: 'file', 4: 'directory', 10: 'link' }

/** What some paths are; those that aren't there, or are something else, are left out. */
export async function kindsOf(
  host: ReadHost,
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<Map<string, Kind>> {
  if (paths.length === 0) return new Map()
  // It complains of what isn't there, and goes on.
  const shown = await host.run('stat', [...options, '--printf=%f %n\\0', '--', ...paths], {
    timeoutSeconds: answerSeconds,
  })
  return new Map(
    partsOf(shown.stdout).flatMap((line) => {
      const [, mode = '', path = ''] = /^([0-9a-f]+) (.*)$/s.exec(line) ?? []
      const kind = kindsByType[Number.parseInt(mode, 16) >> 12]
      return kind === undefined ? [] : [[path, kind] as const]
    }),
  )
}

/**
 * Some paths of a host, and with those that are links what they lead to, link by link. Folders on the way may be links:
 * an archive that names a file below one has a folder in its place.
 */
export async function withTargets(host: ReadHost, paths: readonly string[]): Promise<string[]> {
  const all = new Set(paths)
  for (let fresh = [...all]; fresh.length > 0; ) {
    const kinds = await kindsOf(host, fresh)
    const links = fresh.filter((path) => kinds.get(path) === 'link')
    if (links.length === 0) break
    const told = partsOf(await answerOf(host, 'readlink', ['--zero', '--', ...links]))
    const targets = links.map((link, index) => resolve(dirname(link), told[index] ?? ''))
    fresh = [...new Set(targets)].filter((path) => isPlain(path) && !all.has(path))
    for (const path of fresh) all.add(path)
  }
  return [...all]
}

/** What programs print with a NUL after each part. */
export function partsOf(text: string): string[] {
  return text.split('\0').filter((line) => line !== '')
}
