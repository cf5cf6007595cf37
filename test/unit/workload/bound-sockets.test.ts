import { expect, test } from 'vitest'
import { obstaclesOf } from '../../../src/workload/obstacles.ts'
import { workloadOf } from '../../../src/workload/systemd-service.ts'
import { service, surroundings, task } from './builders.ts'

/** A service whose room shows a file of the host's /run at a place of its own. */
function showing(root: string) {
  const [rootMount] = task().mounts
  const shown = { ...rootMount!, id: 9001, device: '0:25', root, target: '/var/lib/a/socket', type: 'tmpfs' }
  return service({ processes: [task({ mounts: [...task().mounts, shown] })] })
}

const other = { type: 'stream', inode: 9002, peer: 0, path: '/run/other/socket' } as const

/** systemd makes a room once, with what is there then. */
test('a socket of systemd’s that a room shows is to come before it', () => {
  const found = showing('/systemd/journal/dev-log')
  expect(obstaclesOf(found, surroundings())).toEqual([])
  expect(workloadOf(found).boundSockets(surroundings())).toEqual(['systemd-journald-dev-log.socket'])
})

test('one of a service that comes later is in the way', () => {
  expect(obstaclesOf(showing('/other/socket'), surroundings(other))).toMatchObject([{ code: 'bound-socket' }])
})

test('other files, and sockets where everybody sees them, are no matter', () => {
  for (const found of [showing('/other/file'), service()]) {
    expect(obstaclesOf(found, surroundings(other))).toEqual([])
    expect(workloadOf(found).boundSockets(surroundings(other))).toEqual([])
  }
})
