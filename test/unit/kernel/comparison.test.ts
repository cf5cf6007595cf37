import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareKernels, type KernelComparison, layoutVerdict } from '../../../src/kernel/comparison.ts'
import { comparisonLines } from '../../../src/kernel/text.ts'
import { bootImage, objectFile } from '../btf/fixtures.ts'

const has = (...programs: string[]) => programs.every((each) => spawnSync(each, ['--version']).status === 0)
const place = mkdtempSync(join(tmpdir(), 'kernelswap-kernels-'))
afterAll(() => rmSync(place, { recursive: true }))

interface Built {
  readonly version: string
  /** The kernel itself, packed as in a boot image. */
  readonly kernel: Uint8Array
  readonly module: 'before.ko' | 'after.ko'
  readonly changelog: string
}

/** Builds a package as Debian's kernels are, and returns its file. */
function build({ version, kernel, module, changelog }: Built): string {
  const release = `${version}+test`
  const folder = join(place, release)
  const signature = Buffer.from('signature~Module signature appended~\n')
  const packed = execFileSync('xz', ['--compress', '--stdout', '--check=crc32'], {
    input: Buffer.concat([objectFile(module), signature]),
  })
  const files: Record<string, string | Uint8Array> = {
    'DEBIAN/control': `Package: linux-image-${release}\nVersion: ${version}-1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: test\n`,
    [`boot/vmlinuz-${release}`]: bootImage(kernel),
    [`boot/config-${release}`]: `CONFIG_A=${version}\n`,
    [`usr/lib/modules/${release}/kernel/net/of-net.ko.xz`]: packed,
    [`usr/lib/modules/${release}/kernel/of-all.ko.xz`]: packed,
    [`usr/share/doc/linux-image-${release}/changelog.gz`]: gzipSync(changelog),
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  const file = join(place, `${release}.deb`)
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', folder, file], { stdio: 'ignore' })
  return file
}

const entry = (version: string, item: string) =>
  `linux (${version}-1) trixie; urgency=high\n\n  * ${item}\n\n -- A <a@example.org>  x\n\n`

/** As the kernel's own build packs it: the size behind it. */
const zstd = (bytes: Uint8Array) =>
  Buffer.concat([
    execFileSync('zstd', ['--compress', '--stdout'], { input: bytes }),
    Buffer.from([1, 2, 3, 4]),
  ])

describe.runIf(has('dpkg-deb', 'xz', 'zstd'))('two packages that are not installed', () => {
  let before = ''
  let after = ''
  let comparison: KernelComparison
  beforeAll(async () => {
    const first = entry('6.12.1', 'The first')
    const kernel = gzipSync(objectFile('before.elf'))
    before = build({ version: '6.12.1', kernel, module: 'before.ko', changelog: first })
    const changelog = entry('6.12.2', 'A fix (CVE-2026-1234)') + first
    after = build({ version: '6.12.2', kernel: zstd(objectFile('after.elf')), module: 'after.ko', changelog })
    comparison = await compareKernels(before, after)
  })

  test('are compared from their boot images, modules, changelogs and configurations', () => {
    expect(comparison).toMatchObject({
      schema: 'kernelswap.kernels-diff/1',
      from: { release: '6.12.1+test', version: '6.12.1-1' },
      to: { release: '6.12.2+test', version: '6.12.2-1' },
      changelog: { fixes: 1, cves: ['CVE-2026-1234'], lostFixes: 0, lostCves: [] },
      layout: 'changed',
      options: ['A (6.12.1 → 6.12.2)'],
      notes: [],
    })
    expect(comparison.types?.exports?.changed).toEqual([expect.objectContaining({ name: 'exported' })])
    expect(comparison.types?.exports?.added).toEqual([])
    expect(comparison.types?.compared).toBeGreaterThan(10)
  })

  test('are told to people: fixes first, then what changed, the largest structure first', () => {
    const lines = comparisonLines(comparison)
    expect(lines[0]).toBe('1 fix, among them CVE-2026-1234')
    expect(lines[1]).toMatch(/^layout changed: struct \w+ \(.*\), \d+ more$/)
    expect(lines).toContain('exported functions that are called in another way: 1: exported')
    expect(lines).toContainEqual(
      expect.stringMatching(/^changed since what is in them did: 1: struct holder$/),
    )
  })

  test('and the other way round, the kernel to go back to lacks the fix', async () => {
    const back = await compareKernels(after, before)
    expect(comparisonLines(back)[0]).toBe('lacks 1 fix of the kernel before, among them CVE-2026-1234')
  })

  test('a kernel has the same layout as itself', async () => {
    const same = await compareKernels(before, before)
    expect(same.layout).toBe('same')
    expect(comparisonLines(same)[1]).toBe(
      'same layout: a live patch could have done this as far as data is concerned',
    )
  })

  test('a kernel that is built without its types is told from one that has changed', async () => {
    // The section under another name.
    const bare = Buffer.from(objectFile('before.elf'))
    bare.write('.BTX', bare.lastIndexOf('.BTF'))
    const changelog = entry('6.12.3', 'x')
    const file = build({ version: '6.12.3', kernel: gzipSync(bare), module: 'before.ko', changelog })
    const result = await compareKernels(file, file)
    expect(result).toMatchObject({ layout: null, types: null })
    expect(result.notes).toEqual([expect.stringMatching(/6\.12\.3\+test tells nothing of its types/)])
  })

  test('what is no package, or holds no kernel, is wrong usage', async () => {
    const file = join(place, 'none.deb')
    writeFileSync(file, 'hello')
    await expect(compareKernels(file, after)).rejects.toMatchObject({ kind: 'usage' })
    await expect(compareKernels('/nowhere.deb', after)).rejects.toMatchObject({ kind: 'usage' })
  })
})

test('only what lies elsewhere changes the layout; names and filled holes are told apart', () => {
  const verdict = (...effects: ('changed' | 'carried' | 'padding' | 'names')[]) =>
    layoutVerdict({
      records: effects.map((effect) => ({
        ...{ effect, name: 'struct a', source: 'vmlinux', size: 8, bytes: 0 },
        ...{ added: [], removed: [], moved: [], retyped: [], renamed: [] },
      })),
    })
  expect(verdict()).toBe('same')
  expect(verdict('names')).toBe('same')
  expect(verdict('names', 'padding')).toBe('padding')
  expect(verdict('padding', 'carried')).toBe('changed')
  expect(verdict('changed')).toBe('changed')
})
