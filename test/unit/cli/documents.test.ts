import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { documents } from '../../../src/cli/documents.ts'
import { jsonSchemas } from '../../../src/manual/json-schemas.ts'
import { expectDocument } from '../../documents.ts'
import { reportWith } from '../report/reports.ts'
import { planWith } from '../swap/plans.ts'

// Each starts the program, and a busy machine takes seconds for that.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const checkout = new URL('../../..', import.meta.url).pathname
const place = mkdtempSync(join(tmpdir(), 'kernelswap-documents-'))
const program = join(place, 'kernelswap.js')
beforeAll(() => {
  const script = `import { bundle } from './scripts/bundle.js'; await bundle('src/main.ts', ${JSON.stringify(program)})`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
})
afterAll(() => rmSync(place, { recursive: true }))

test('docs/json.md names every document, and no other', () => {
  const page = readFileSync(join(checkout, 'docs/json.md'), 'utf8')
  const named = [...page.matchAll(/`kernelswap\.([a-z-]+\/\d+)`/g)].map(([, name]) => name!)
  expect([...new Set(named)].sort()).toEqual(Object.keys(documents).sort())
})

/** Whoever reads by the schema of today must be able to read what a later version prints, which may have more. */
test.each(Object.entries(jsonSchemas()))(
  '%s describes a document of its kind, open to more',
  (file, text) => {
    const schema: unknown = JSON.parse(text)
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `kernelswap.${file.replace('.json', '').replace(/-(\d+)$/, '/$1')}`,
    })
    expect(text).not.toContain('"additionalProperties": false')
  },
)

const isRoot = process.getuid?.() === 0
const canMount =
  isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0

describe.runIf(canMount)('what is printed is what the schema says, no more and no less', () => {
  /** Runs kernelswap with an empty /run and /var/lib, so that whatever host this is looks the same. */
  function printed(prepare: string, ...words: string[]): string {
    const line = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && ${prepare} && exec "$0" "$@"`
    return spawnSync('unshare', ['--mount', 'sh', '-c', line, process.execPath, program, ...words], {
      encoding: 'utf8',
      cwd: '/',
      maxBuffer: 2 ** 28,
    }).stdout
  }

  const swap = '/var/lib/kernelswap/swaps/20261101000000'
  const host = [
    'mkdir -p /run/systemd/system && mount -t tmpfs none /boot && touch /boot/vmlinuz-999.1.1 /boot/vmlinuz-999.9.9',
    `mkdir -p ${swap} && cp '${join(place, 'plan.json')}' '${join(place, 'report.json')}' ${swap}/`,
  ].join(' && ')
  beforeAll(() => {
    writeFileSync(join(place, 'plan.json'), JSON.stringify(planWith()))
    writeFileSync(join(place, 'report.json'), JSON.stringify(reportWith({ id: '20261101000000' })))
  })

  test.each([
    ['status/1', ['status', '--json']],
    ['report/1', ['report', '--json']],
    ['kernels/1', ['kernels', '--json']],
    ['kernels-diff/1', ['kernels', 'diff', '999.1.1', '999.9.9', '--json']],
    ['configuration/1', ['config', 'show', '--json']],
    ['hooks/1', ['hooks', 'list', '--json']],
    ['doctor/1', ['doctor', '--json']],
    ['event/1', ['run', '--yes', '--events']],
    ['event/1', ['resume', '--events']],
  ])('%s: %j', (name, words) => {
    expectDocument(printed(host, ...words), name)
  })

  test('snapshots, and what comparing them comes to', () => {
    const shot = printed('true', 'snapshot', String(process.pid))
    expectDocument(shot, 'snapshot/1')
    writeFileSync(join(place, 'shot'), shot)
    expectDocument(printed('true', 'diff', join(place, 'shot'), join(place, 'shot'), '--json'), 'abi/1')
  })
})
