import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemdBoot } from '../../../../src/os/systemd-boot.ts'
import { aimFallback, clearFallback, findFallback } from '../../../../src/swap/host/fallback.ts'
import { fixture } from '../../fixture.ts'
import { type Programs, standIns } from '../../programs.ts'

const place = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  place.directory = mkdtempSync(join(tmpdir(), 'kernelswap-fallback-'))
  return { paths: { ...paths, boot: place.directory as '/boot' } }
})

const menu = fixture('grub/grub.cfg')
const disk = '190f5f11-84bc-4366-8547-116fc89e6b62'
const oldest = '6.12.116+deb13-cloud-amd64'
const entryOf = (kernel: string) => `gnulinux-advanced-${disk}>gnulinux-${kernel}-advanced-${disk}`

const grubFile = (name: string) => join(place.directory, 'grub', name)
let programs: Programs

/** What GRUB would start next, as its environment has it; undefined: its default. */
const next = () => /^next_entry=(.+)$/m.exec(readFileSync(grubFile('grubenv'), 'utf8'))?.[1]
const aimAt = (entry = '') => writeFileSync(grubFile('grubenv'), `next_entry=${entry}\n`)

beforeEach(() => {
  mkdirSync(grubFile(''))
  writeFileSync(grubFile('grub.cfg'), menu)
  aimAt()
  const block = grubFile('grubenv')
  programs = standIns({
    'grub-editenv': `[ "$2" = list ] && cat ${block} || echo next_entry= > ${block}`,
    'grub-reboot': `echo "next_entry=$1" > ${block}`,
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  programs.remove()
  rmSync(grubFile(''), { recursive: true })
})
afterAll(() => rmSync(place.directory, { recursive: true }))

describe('the search', () => {
  test('finds where to aim, and what others have aimed at', async () => {
    expect(await findFallback(oldest, 'boot-loader')).toEqual({
      fallback: { loader: 'grub', entry: entryOf(oldest) },
      obstacles: [],
    })
    aimAt('theirs')
    expect((await findFallback(oldest, 'boot-loader')).fallback?.before).toBe('theirs')
    expect(next()).toBe('theirs')
  })

  test.each([
    ['no entry', menu, '1.2.3', /grub has no entry for the running kernel 1\.2\.3$/],
    ['a menu that would not look', menu.replaceAll('next_entry', 'x'), oldest, /no heed to grub-reboot$/],
    ['no boot loader', undefined, oldest, /no boot loader that is known here \(systemd-boot, grub\)$/],
  ])('refuses %s', async (_, text, kernel, reason) => {
    if (text === undefined) rmSync(grubFile('grub.cfg'))
    else writeFileSync(grubFile('grub.cfg'), text)
    const { fallback, obstacles } = await findFallback(kernel, 'boot-loader')
    expect(fallback).toBeUndefined()
    expect(obstacles).toEqual([
      {
        code: 'no-fallback',
        reason: expect.stringMatching(reason),
        remedy: expect.stringMatching(/fallback = "external"/),
      },
    ])
    expect(await findFallback(kernel, 'external')).toEqual({ obstacles: [] })
  })

  test('asks systemd-boot where that booted the machine', async () => {
    vi.spyOn(systemdBoot, 'isHere').mockResolvedValue(true)
    vi.spyOn(systemdBoot, 'next').mockResolvedValue(undefined)
    const linux = `/0123/${oldest}/linux`
    vi.spyOn(systemdBoot, 'entries').mockResolvedValue([{ id: 'a.conf', linux, options: '' }])
    expect((await findFallback(oldest, 'boot-loader')).fallback).toEqual({
      loader: 'systemd-boot',
      entry: 'a.conf',
    })
  })
})

describe('the aim', () => {
  const ours = { loader: 'grub', entry: 'ours' } as const

  test('is taken away, and gives way to the one before', async () => {
    await aimFallback({ fallback: ours })
    expect(next()).toBe('ours')
    await clearFallback({ fallback: ours })
    expect(next()).toBeUndefined()
    await aimFallback({ fallback: ours })
    await clearFallback({ fallback: { ...ours, before: 'theirs' } })
    expect(next()).toBe('theirs')
  })

  /** Whoever aimed it in the meantime wants it so; and a boot that has used up ours has used up theirs. */
  test.each(['theirs', undefined])('is left alone where it is not ours: %s', async (now) => {
    aimAt(now)
    await clearFallback({ fallback: { ...ours, before: 'earlier' } })
    expect(next()).toBe(now)
  })

  test('nothing is touched where something outside starts a good kernel', async () => {
    await aimFallback({})
    await clearFallback({})
    expect(programs.started()).toEqual([])
  })
})
