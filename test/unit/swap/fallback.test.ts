import { beforeEach, describe, expect, test, vi } from 'vitest'
import { aimFallback, clearFallback, entryFor, findFallback } from '../../../src/swap/fallback.ts'
import * as bootLoader from '../../../src/tools/boot-loader.ts'
import { fixture } from '../fixture.ts'

vi.mock('../../../src/tools/boot-loader.ts', { spy: true })

const menu = fixture('grub/grub.cfg')
const entries = bootLoader.parseGrubMenu(menu)
const disk = '190f5f11-84bc-4366-8547-116fc89e6b62'
const newest = '7.3.4+deb13-cloud-amd64'
const oldest = '6.12.116+deb13-cloud-amd64'
const entryOf = (kernel: string) => `gnulinux-advanced-${disk}>gnulinux-${kernel}-advanced-${disk}`

/** What the machine's boot loader would start next; undefined: its default. */
let next: string | undefined

beforeEach(() => {
  vi.clearAllMocks()
  next = undefined
  vi.mocked(bootLoader.loaderInfo).mockResolvedValue(undefined)
  vi.mocked(bootLoader.readGrubMenu).mockResolvedValue(menu)
  vi.mocked(bootLoader.nextGrubEntry).mockImplementation(async () => next)
  vi.mocked(bootLoader.setNextGrubEntry).mockImplementation(async (entry) => {
    next = entry
  })
})

describe('the entry of a kernel', () => {
  test.each([newest, oldest])('%s: its own, not the one for repairs or for the newest', (kernel) => {
    expect(entryFor(kernel, entries)).toBe(entryOf(kernel))
  })

  test('a release that only begins alike is another', () => {
    expect(entryFor('6.12.11', entries)).toBeUndefined()
    expect(entryFor('6.12.116+deb13-cloud-amd6', entries)).toBeUndefined()
    expect(entryFor('12.116+deb13-cloud-amd64', entries)).toBeUndefined()
  })

  test('the entry for the newest serves where there is none by name', () => {
    expect(entryFor(newest, entries.slice(0, 1))).toBe(`gnulinux-simple-${disk}`)
  })

  /** It would boot somebody else's disk, where no landing is. */
  test("another installation's kernel of the same release is none", () => {
    const foreign = entries.map((entry) => ({ ...entry, id: `osprober-${entry.id}` }))
    expect(entryFor(oldest, foreign)).toBeUndefined()
  })

  test.each([
    ['/0123/6.12.1/linux', true],
    ['/EFI/Linux/0123-6.12.1.efi', true],
    ['/boot/vmlinuz-6.12.1', true],
    ['/vmlinuz-6.12.1-dbg', false],
  ])('%s', (linux, fits) => {
    expect(entryFor('6.12.1', [{ id: 'x', linux, options: 'ro' }])).toBe(fits ? 'x' : undefined)
  })
})

describe('the search', () => {
  test('finds where to aim, and what others have aimed at', async () => {
    expect(await findFallback(oldest, 'boot-loader')).toEqual({
      fallback: { loader: 'grub', entry: entryOf(oldest) },
      obstacles: [],
    })
    next = 'theirs'
    expect((await findFallback(oldest, 'boot-loader')).fallback?.before).toBe('theirs')
    expect(bootLoader.setNextGrubEntry).not.toHaveBeenCalled()
  })

  test.each([
    ['no entry', menu, '1.2.3', /grub has no entry for the running kernel 1\.2\.3$/],
    ['a menu that would not look', menu.replaceAll('next_entry', 'x'), oldest, /no heed to grub-reboot$/],
    ['no boot loader', undefined, oldest, /neither systemd-boot nor a menu of GRUB$/],
  ])('refuses %s', async (_, text, kernel, reason) => {
    vi.mocked(bootLoader.readGrubMenu).mockResolvedValue(text)
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
    vi.mocked(bootLoader.loaderInfo).mockResolvedValue('systemd-boot 257')
    vi.mocked(bootLoader.nextSystemdBootEntry).mockResolvedValue(undefined)
    const linux = `/0123/${oldest}/linux`
    vi.mocked(bootLoader.systemdBootEntries).mockResolvedValue([{ id: 'a.conf', linux, options: '' }])
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
    expect(next).toBe('ours')
    await clearFallback({ fallback: ours })
    expect(next).toBeUndefined()
    await aimFallback({ fallback: ours })
    await clearFallback({ fallback: { ...ours, before: 'theirs' } })
    expect(next).toBe('theirs')
  })

  /** Whoever aimed it in the meantime wants it so; and a boot that has used up ours has used up theirs. */
  test.each(['theirs', undefined])('is left alone where it is not ours: %s', async (now) => {
    next = now
    await clearFallback({ fallback: { ...ours, before: 'earlier' } })
    expect(next).toBe(now)
  })

  test('nothing is touched where something outside starts a good kernel', async () => {
    await aimFallback({})
    await clearFallback({})
    expect(bootLoader.setNextGrubEntry).not.toHaveBeenCalled()
  })
})
