import { expect, test } from 'vitest'
import { restoreOptions } from '../../../src/workload/images.ts'
import { journalStreams, peerPath, roomTies } from '../../../src/workload/room.ts'
import { file, journalInode, service, serviceHolding, socketFile, surroundings, task } from './builders.ts'

/** What dump calls external, restore must be given: CRIU refuses a name that only one of them knows. */
test('the journal stream and the /dev/null of systemd are tied to the descriptors of the next room', () => {
  expect(roomTies(service(), surroundings())).toEqual({
    external: ['unix[2251]', 'file[1a:4]'],
    inherit: ['fd[1]:socket:[2251]', 'fd[0]:file[1a:4]'],
    foreign: [],
  })
})

test('separate streams for output and errors keep apart', () => {
  const second = [
    { type: 'stream', inode: 9001, peer: 9002, path: '' },
    { type: 'stream', inode: 9002, peer: 9001, path: '/run/systemd/journal/stdout' },
  ] as const
  const ties = roomTies(serviceHolding(socketFile(3, 9001)), surroundings(...second))
  expect(ties.inherit.slice(0, 2)).toEqual(['fd[1]:socket:[2251]', 'fd[2]:socket:[9001]'])
})

test('many processes that share their standard streams tie them once', () => {
  const processes = [task(), task({ pid: 332, parent: 331 }), task({ pid: 333, parent: 331 })]
  expect(roomTies(service({ processes }), surroundings()).external).toHaveLength(2)
})

test('/dev/null that the service opened in its own room is no tie', () => {
  const own = file(5, '/dev/null', { kind: 'null', mountId: 230, inode: 4 })
  expect(roomTies(serviceHolding(own), surroundings()).external).toEqual(['unix[2251]', 'file[1a:4]'])
})

test('a restored service holds /dev/null under another name, and is tied again', () => {
  const restored = file(0, '/null', { kind: 'null', mountId: 300, inode: 7 })
  const ties = roomTies(service({ processes: [task({ files: [restored] })] }), surroundings())
  expect(ties).toEqual({ external: ['file[12c:7]'], inherit: ['fd[0]:file[12c:7]'], foreign: [] })
})

test('any other file from outside is foreign, named once', () => {
  const outside = file(9, '/srv/data', { mountId: 29 })
  const found = serviceHolding(outside, { ...outside, fd: 10 })
  expect(roomTies(found, surroundings()).foreign).toEqual(['/srv/data'])
})

test('pipes and anonymous files have no mount that could be foreign', () => {
  const pipe = file(5, 'pipe:[2506]', { kind: 'other', mountId: 14 })
  expect(roomTies(serviceHolding(pipe), surroundings()).foreign).toEqual([])
})

test('a service without a journal is tied to nothing', () => {
  const silent = service({ processes: [task({ files: [] })] })
  expect(roomTies(silent, surroundings())).toEqual({ external: [], inherit: [], foreign: [] })
})

test('both ends of a connection are told apart', () => {
  expect(journalStreams(service(), surroundings())).toEqual([journalInode])
  expect(peerPath(journalInode, surroundings())).toBe('/run/systemd/journal/stdout')
  expect(peerPath(2252, surroundings())).toBe('')
  expect(peerPath(1, surroundings())).toBeUndefined()
})

test('CRIU reads the ties of a restore from its option file, one a line', () => {
  expect(restoreOptions(roomTies(service(), surroundings()))).toBe(
    'external unix[2251]\nexternal file[1a:4]\ninherit-fd fd[1]:socket:[2251]\ninherit-fd fd[0]:file[1a:4]\n',
  )
  expect(restoreOptions({ external: [], inherit: [], foreign: [] })).toBe('')
})
