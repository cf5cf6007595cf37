import { expect, test } from 'vitest'
import { idsOf } from '../../../src/os/distributions.ts'

/** A distribution that isn't known is taken for what it says that it is like. */
test('a host is what it says that it is, or like', () => {
  expect(idsOf('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n')).toEqual([
    'debian',
  ])
  expect(idsOf('NAME=x\nID_LIKE="rhel centos fedora"\nID="rocky"\n')).toEqual([
    'rocky',
    'rhel',
    'centos',
    'fedora',
  ])
  expect(idsOf('')).toEqual([])
})
