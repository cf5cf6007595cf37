import { expect, test } from 'vitest'
import { parseUnits } from '../../../src/tools/systemd.ts'
import { networkMountsIn, obstacleOfMount } from '../../../src/workload/network-mounts.ts'

const mount = (where: string, type: string, more = '') =>
  `Id=${where.slice(1).replaceAll('/', '-')}.mount\nWhere=${where}\nWhat=server:/srv\nType=${type}\nActiveState=active\n${more}`

/** Whoever mounted it by hand finds an empty directory after the swap, and writes into that. */
test('of what other hosts serve, the plan knows what the boot mounts again', () => {
  const mounts = parseUnits(
    [
      mount('/', 'ext4'),
      mount('/srv/a', 'nfs4', 'FragmentPath=/run/systemd/generator/srv-a.mount\n'),
      mount('/srv/b', 'nfs4'),
      mount('/net/c', 'nfs'),
      mount('/direct', 'nfs'),
      mount('/home/ann/d', 'fuse.sshfs'),
      mount('/srv/e', 'nfs').replace('=active', '=inactive'),
    ].join('\n'),
  )
  const found = networkMountsIn(mounts, ['/net', '/direct'])
  expect(found.map(({ where, comesBack }) => [where, comesBack])).toEqual([
    ['/srv/a', true],
    ['/srv/b', false],
    ['/net/c', true],
    ['/direct', true],
  ])
  expect(obstacleOfMount(found[1]!)).toEqual({
    code: 'mounted-by-hand',
    reason: '/srv/b (nfs4, server:/srv) was mounted by hand, and no boot mounts it again',
    remedy: "put it into /etc/fstab, or --end 'srv-b.mount'",
  })
})
