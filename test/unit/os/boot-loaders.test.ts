import { describe, expect, test } from 'vitest'
import { entryFor } from '../../../src/os/boot-loaders.ts'
import {
  defaultGrubEntry,
  heedsNextEntry,
  parseGrubEnvironment,
  parseGrubMenu,
} from '../../../src/os/grub.ts'
import {
  parseDefaultSystemdBootEntry,
  parseLoaderVariable,
  parseSystemdBootEntries,
} from '../../../src/os/systemd-boot.ts'
import { fixture } from '../fixture.ts'

const menu = fixture('grub/grub.cfg')
const disk = '190f5f11-84bc-4366-8547-116fc89e6b62'
const kernels = ['7.3.4', '6.12.117', '6.12.116'].map((version) => `${version}+deb13-cloud-amd64`)
const advanced = (kernel: string, kind = 'advanced') =>
  `gnulinux-advanced-${disk}>gnulinux-${kernel}-${kind}-${disk}`

describe("GRUB's menu", () => {
  test('every entry is found with its path, kernel and options', () => {
    const entries = parseGrubMenu(menu)
    expect(entries.map(({ id }) => id)).toEqual([
      `gnulinux-simple-${disk}`,
      ...kernels.flatMap((kernel) => [advanced(kernel), advanced(kernel, 'recovery')]),
    ])
    expect(entries[1]).toEqual({
      id: advanced(kernels[0]!),
      linux: `/boot/vmlinuz-${kernels[0]}`,
      options: 'root=/dev/vda1 ro console=ttyS0',
    })
    expect(entries[2]!.options).toContain(' single ')
  })

  /** GRUB takes a title for an id; a `>` in one would else lead into a submenu. */
  test('an entry without an id is named by its title', () => {
    const text = `menuentry 'It'\\''s "x > y"' --class os {\n  linux /vmlinuz-1 a="b c" # why\n}\n`
    expect(parseGrubMenu(text)).toEqual([{ id: `It's "x >> y"`, linux: '/vmlinuz-1', options: 'a=b c' }])
  })

  test('--id, double quotes, and braces of functions and conditions', () => {
    const text = [
      'function f {',
      'linux /not-in-an-entry',
      '}',
      'submenu "More \\$" --id more {',
      'if [ x$a = xb ] ; then',
      'menuentry "One" --id "one" --unrestricted {',
      "\tlinuxefi /vmlinuz-1 'ro'",
      '}',
      'fi',
      '}',
      'menuentry "Two" { ',
      '  linux16 /vmlinuz-2',
      '}',
    ].join('\n')
    expect(parseGrubMenu(text)).toEqual([
      { id: 'more>one', linux: '/vmlinuz-1', options: 'ro' },
      { id: 'Two', linux: '/vmlinuz-2', options: '' },
    ])
  })

  test('whether it heeds grub-reboot', () => {
    expect(heedsNextEntry(menu)).toBe(true)
    expect(heedsNextEntry(menu.replaceAll('next_entry', 'other'))).toBe(false)
    expect(heedsNextEntry("set default=0\nmenuentry 'next_entry' {\n}\n")).toBe(false)
  })
})

describe("GRUB's default", () => {
  const text = (value: string) =>
    [
      'if [ "$next_entry" ] ; then',
      'set default="$next_entry"',
      'else',
      `set default="${value}"`,
      'fi',
      'menuentry "One" --id one {',
      'linux /vmlinuz-1',
      '}',
      'if [ a = b ] ; then',
      'submenu "More > old" --id more {',
      'menuentry "Two" --id two {',
      'linux /vmlinuz-2',
      '}',
      'menuentry "Three" --id three {',
      'linux /vmlinuz-3',
      '}',
      '}',
      'fi',
      'menuentry "Firmware" --id firmware {',
      'fwsetup',
      '}',
      'menuentry "Four" {',
      'linux /vmlinuz-4',
      '}',
    ].join('\n')

  test.each([
    ['0', '1'],
    ['3', '4'],
    ['Four', '4'],
    ['1>1', '3'],
    ['more>three', '3'],
    ['More >> old>Two', '2'],
    ['more', '2'],
    ['', '1'],
    ['gone', '1'],
    ['9', '1'],
  ])('%j starts kernel %s', (value, kernel) => {
    expect(defaultGrubEntry(text(value), {})?.linux).toBe(`/vmlinuz-${kernel}`)
  })

  test('that was saved is found by its path, in the menu that update-grub wrote', () => {
    expect(defaultGrubEntry(menu, parseGrubEnvironment(fixture('grub/environment')))).toMatchObject({
      id: advanced(kernels[2]!),
    })
    expect(defaultGrubEntry(menu, {})).toMatchObject({ linux: `/boot/vmlinuz-${kernels[0]}` })
  })

  test('is none where the first entry starts no Linux, or there is none', () => {
    expect(
      defaultGrubEntry('menuentry A {\nchainloader /a\n}\nmenuentry B {\nlinux /b\n}\n', {}),
    ).toBeUndefined()
    expect(defaultGrubEntry('', {})).toBeUndefined()
  })
})

test("GRUB's environment: values may hold equal signs, empty ones are not set", () => {
  expect(parseGrubEnvironment(fixture('grub/environment'))).toEqual({
    saved_entry: advanced(kernels[2]!),
    next_entry: 'a>b c=d',
  })
  expect(parseGrubEnvironment('')).toEqual({})
})

describe('systemd-boot', () => {
  const expected = ['6.12.117', '6.12.116'].map((version) => ({
    id: `0123456789abcdef0123456789abcdef-${version}+deb13-amd64.conf`,
    linux: `/0123/${version}+deb13-amd64/linux`,
    options: `root=UUID=${disk} ro`,
  }))

  test.each(['252', '257'])('entries as systemd %s prints them', (version) => {
    expect(parseSystemdBootEntries(fixture(`bootctl/list-${version}`))).toEqual(expected)
  })

  test('the default is told since systemd 253', () => {
    expect(parseDefaultSystemdBootEntry(fixture('bootctl/list-257'))).toEqual(expected[0])
    expect(parseDefaultSystemdBootEntry(fixture('bootctl/list-252'))).toBeUndefined()
  })

  test('no entries, and one that starts no Linux', () => {
    expect(parseSystemdBootEntries('')).toEqual([])
    expect(parseSystemdBootEntries('[{"id":"auto-windows","options":null}]')).toEqual([
      { id: 'auto-windows', linux: '', options: '' },
    ])
  })

  test('a variable of the firmware', () => {
    const raw = Buffer.concat([Buffer.from([6, 0, 0, 0]), Buffer.from('systemd-boot 257\0', 'utf16le')])
    expect(parseLoaderVariable(raw)).toBe('systemd-boot 257')
    expect(parseLoaderVariable(raw.subarray(0, 4))).toBeUndefined()
  })
})

describe('the entry of a kernel', () => {
  const entries = parseGrubMenu(menu)
  const [newest, , oldest] = kernels as [string, string, string]
  test.each([newest, oldest])('%s: its own, not the one for repairs or for the newest', (kernel) => {
    expect(entryFor(kernel, entries)).toBe(advanced(kernel))
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
