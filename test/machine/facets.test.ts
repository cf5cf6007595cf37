import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { facets } from '../../src/abi/facets/index.ts'
import { tamperings } from '../unit/abi/tamperings.ts'
import type { FacetRow, RestoredRow } from './facets-driver.ts'
import { inShell, withMachine } from './support.ts'

/** `all`, or `sample` for a quick look; `npm run test:facets` asks for all. */
const wanted = process.env.KERNELSWAP_FACETS
const isWhole = wanted === 'all'
/** Facets that must have been tried after a real restore. */
const FEWEST = 45

/**
 * Protects the verifier's promise where it counts: a restored service equals its snapshot before the checkpoint, and
 * whatever is changed in it afterwards is caught, under the name of the right facet.
 */
test.runIf(wanted)(
  'tampering with a restored service is caught, and named by its facet',
  { timeout: 6_000_000 },
  () =>
    withMachine('facets', async (machine) => {
      const bundle = ['scripts/bundle-driver.js', 'test/machine/facets-driver.ts', 'dist/facets-driver.js']
      execFileSync('node', bundle)
      const shell = await machine.ssh()
      await inShell(machine, 'mkdir -p /opt/victim')
      await shell.putFile('test/fixtures/abi/victim.py', '/opt/victim/victim.py', 0o644)
      await shell.putFile('dist/facets-driver.js', '/root/facets-driver.js', 0o644)
      const ended = await shell.run('node', ['/root/facets-driver.js', wanted!], {
        timeoutSeconds: 5400,
        onStderrLine: (line) => void process.stderr.write(`${line}\n`),
      })
      expect(ended.code, ended.stderr).toBe(0)
      const rows = ended.stdout
        .trim()
        .split('\n')
        .map((line): FacetRow | RestoredRow => JSON.parse(line))
      printTable(rows)

      for (const row of rows) {
        if ('restored' in row)
          expect(row, `restored before ${row.restored}`).toMatchObject({ differences: [] })
        else expect(row).toMatchObject({ line: expect.any(String), others: [] })
      }
      const tried = triedIn(rows)
      expect(tried.size).toBeGreaterThanOrEqual(isWhole ? FEWEST : 3)
      if (isWhole) expect(tried.size).toBe(restorable().size)
    }),
)

function triedIn(rows: readonly (FacetRow | RestoredRow)[]): Set<string> {
  return new Set(rows.flatMap((row) => ('facet' in row ? [row.facet] : [])))
}

function restorable(): Set<string> {
  return new Set(tamperings.filter(({ restored }) => typeof restored !== 'string').map(({ facet }) => facet))
}

/** The table facet × tampering → line, and which facets only the unit test tries, on a live process. */
function printTable(rows: readonly (FacetRow | RestoredRow)[]): void {
  const lines = rows.map((row) =>
    'restored' in row
      ? `(restored: ${row.equal} facets equal, ${row.differences.join('; ') || 'none differs'})`
      : `${row.facet} × ${row.what} → ${row.line ?? 'MISSED'}${row.others.length > 0 ? ` (also ${row.others.join(', ')})` : ''}`,
  )
  const tried = triedIn(rows)
  const live = facets.map(({ name }) => name).filter((name) => !tried.has(name))
  process.stdout.write(
    `\nafter a restore: facet × tampering → caught\n${lines.join('\n')}\n` +
      `${tried.size} facets tried after a restore; on a live process only: ${live.join(', ')}\n`,
  )
}
