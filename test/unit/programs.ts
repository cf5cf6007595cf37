import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Programs of our own that stand before the host's, and a list of their starts. */
export interface Programs {
  /** Name and arguments of every start so far, a line each. */
  started(): string[]
  forget(): void
  remove(): void
}

/** Puts shell scripts, by name, before what PATH has, and notes each start of one. */
export function standIns(scripts: Readonly<Record<string, string>>): Programs {
  const directory = mkdtempSync(join(tmpdir(), 'kernelswap-programs-'))
  chmodSync(directory, 0o755)
  const log = join(directory, 'started')
  writeFileSync(log, '')
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(directory, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${script}\n`, {
      mode: 0o755,
    })
  const path = process.env.PATH
  process.env.PATH = `${directory}:${path}`
  return {
    started: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
    forget: () => writeFileSync(log, ''),
    remove: () => {
      process.env.PATH = path
      rmSync(directory, { recursive: true })
    },
  }
}

/** `systemctl show` of units that all have the given lines; what the manager says begins with its name. */
export function systemctlShowing(...lines: readonly string[]): string {
  return `while [ "$1" != -- ]; do shift; done; shift
for unit; do
  [ -z "$printed" ] || echo
  printed=1
  printf 'Id=%s\\n' "$unit"
  cat <<'END'
${lines.join('\n')}
END
done`
}
