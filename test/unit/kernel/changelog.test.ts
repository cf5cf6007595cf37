import { expect, test } from 'vitest'
import { changelogDifference } from '../../../src/kernel/changelog.ts'
import { configurationDifference } from '../../../src/kernel/configuration.ts'
import { parseChangelog } from '../../../src/os/debian-changelog.ts'

const oldest = `linux (6.12.90-1) trixie; urgency=medium

  * New upstream stable update:
    https://example.org/ChangeLog-6.12.90
    - an old fix (CVE-2026-1000)

 -- Somebody <somebody@example.org>  Fri, 01 May 2026 10:00:00 +0200
`
const middle = `linux (6.12.91-1) trixie; urgency=high

  * New upstream stable update:
    https://example.org/ChangeLog-6.12.91
    - net: a fix that takes two
      lines (CVE-2026-2000)
    - [arm64] not for us (CVE-2026-2001)
    - [arm64,amd64] for us, too
    - [amd64] for us

  [ Somebody Else ]
  * A change of our own (Closes: #1) (CVE-2026-10000, CVE-2026-2000)
  * [s390x] Not ours
  * Bump ABI to 2

 -- Somebody <somebody@example.org>  Mon, 01 Jun 2026 10:00:00 +0200

`
const newest = `linux-signed-amd64 (6.12.91+2) trixie-security; urgency=high

  * Sign kernel from linux 6.12.91-2

  * One more fix

 -- Somebody <somebody@example.org>  Tue, 02 Jun 2026 10:00:00 +0200

`
const signed = (text: string) => text.replace(/^linux \((\S+)-(\d)\)/, 'linux-signed-amd64 ($1+$2)')

test('an item is counted, whatever it stands below; what is for other architectures or the package alone is not', () => {
  expect(parseChangelog(newest + middle + oldest)).toEqual([
    { version: '6.12.91+2', fixes: 1, cves: [] },
    { version: '6.12.91+1', fixes: 4, cves: ['CVE-2026-2000', 'CVE-2026-10000'] },
    { version: '6.12.90+1', fixes: 1, cves: ['CVE-2026-1000'] },
  ])
})

test('between two kernels lies what the later has and the earlier has not', () => {
  const before = { changelog: signed(oldest), version: '6.12.90-1' }
  expect(changelogDifference(before, { changelog: newest + middle + oldest })).toEqual({
    fixes: 5,
    cves: ['CVE-2026-2000', 'CVE-2026-10000'],
    lostFixes: 0,
    lostCves: [],
  })
})

test('a kernel whose package is gone is known by its version', () => {
  const after = { changelog: newest + middle + oldest }
  expect(changelogDifference({ changelog: undefined, version: '6.12.91-1' }, after)?.fixes).toBe(1)
  expect(changelogDifference({ changelog: undefined, version: '6.12.80-1' }, after)).toBeUndefined()
  expect(changelogDifference({ changelog: undefined, version: undefined }, after)).toBeUndefined()
})

test('a kernel to go back to lacks what is new', () => {
  const before = { changelog: newest + middle + oldest, version: '6.12.91-2' }
  expect(changelogDifference(before, { changelog: oldest })).toEqual({
    fixes: 0,
    cves: [],
    lostFixes: 5,
    lostCves: ['CVE-2026-2000', 'CVE-2026-10000'],
  })
})

test('of branches that went apart, a number that both have is neither new nor lost', () => {
  const other = `linux (6.18.5-1) unstable; urgency=medium\n\n  * A fix (CVE-2026-2000)\n\n -- A <a@b.c>  x\n\n`
  const before = { changelog: middle + oldest, version: '6.12.91-1' }
  expect(changelogDifference(before, { changelog: other + oldest })).toEqual({
    fixes: 1,
    cves: [],
    lostFixes: 4,
    lostCves: ['CVE-2026-10000'],
  })
})

test('options of the configuration differ by what they are set to, not by how that is said', () => {
  const before =
    'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_CC_VERSION_TEXT="gcc 14"\nCONFIG_N=4\n'
  const after = 'CONFIG_A=y\nCONFIG_C=y\nCONFIG_D=m\nCONFIG_CC_VERSION_TEXT="gcc 15"\nCONFIG_N=8\n'
  expect(configurationDifference(before, after)).toEqual(['C (m → y)', 'D (n → m)', 'N (4 → 8)'])
})
