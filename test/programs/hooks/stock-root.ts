import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../../src/host/local.ts'
import { cacheDirectory, cachedFolder, keepLastUsed } from '../../../src/rehearsal/cache.ts'

const sources = new URL('../../../images/rehearsal/sources', import.meta.url).pathname
const installSeconds = 1800
/** Each takes a gigabyte or two. */
const rootsKept = 2

/** True where a root can be made, and namespaces for a host in it: as root, with mmdebstrap. */
export function canMakeRoots(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/mmdebstrap')
}

/** A folder with Debian 13 and these packages, as their installation leaves them; nothing of it runs. */
export async function stockRoot(packages: readonly string[]): Promise<string> {
  const names = [...new Set(['iproute2', 'procps', 'perl-base', ...packages])].sort()
  const parent = join(cacheDirectory(), 'stock')
  const hash = createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 16)
  const folder = await cachedFolder(parent, hash, async (making) => {
    const list = join(making, 'stock.sources')
    await writeFile(list, suites(execFileSync(sources, { encoding: 'utf8' })))
    await run('mmdebstrap', options(names, join(making, 'root'), list), { timeoutSeconds: installSeconds })
  })
  await keepLastUsed(parent, rootsKept)
  return join(folder, 'root')
}

/** Of a machine's suites those that Debian's stable release alone would have. */
function suites(text: string): string {
  return text.replace(/ trixie-backports sid$/m, '')
}

function options(names: readonly string[], target: string, list: string): string[] {
  return [
    ...['--mode=root', '--variant=minbase', '--format=directory'],
    ...['--aptopt=Apt::Install-Recommends "false"', '--aptopt=Acquire::Check-Valid-Until "false"'],
    ...[`--include=${names.join(',')}`, 'trixie', target, list],
  ]
}
