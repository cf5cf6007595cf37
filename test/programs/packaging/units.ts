import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Has systemd read units, by file name, and returns what it complains of: '' for good ones. Programs that only the
 * package installs are taken for one that is there.
 */
export function complaintsAbout(units: Readonly<Record<string, string>>): string {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-units-'))
  try {
    for (const [name, text] of Object.entries(units))
      writeFileSync(
        join(place, name),
        text.replace(/^(Exec\w+=)\/usr\/(sbin|lib\/kernelswap)\/\w+/gm, '$1/bin/true'),
      )
    const files = Object.keys(units).map((name) => join(place, name))
    // Manual pages come with the package too.
    return execFileSync(
      'sh',
      ['-c', 'systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1 || true', 'sh', ...files],
      {
        encoding: 'utf8',
      },
    )
  } finally {
    rmSync(place, { recursive: true })
  }
}
