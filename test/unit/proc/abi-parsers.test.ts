import { expect, test } from 'vitest'
import {
  parseEpollTargets,
  parseFdLocks,
  parseTimerfd,
  parseWatches,
} from '../../../src/proc/fdinfo-kinds.ts'
import { parseMaps } from '../../../src/proc/maps.ts'
import { populatedPages } from '../../../src/proc/pagemap.ts'
import { parsePidStat } from '../../../src/proc/pid-stat.ts'
import { parsePosixTimers } from '../../../src/proc/posix-timers.ts'
import { parseSiginfo } from '../../../src/proc/siginfo.ts'
import { flaggedRanges, parseSmaps } from '../../../src/proc/smaps.ts'
import { parseSysvTable } from '../../../src/proc/sysv-ipc.ts'
import { parseSocketRows } from '../../../src/tools/ss.ts'

test('a thread’s name may hold spaces and parentheses', () => {
  const numbers = Array.from({ length: 49 }, (_, index) => index + 4).join(' ')
  const stat = parsePidStat(`12 (a) b (c)) S ${numbers}`)
  expect(stat).toMatchObject({ comm: 'a) b (c)', state: 'S', ppid: 4, nice: 19, startTime: 22, policy: 41 })
  expect(stat.layout.env_end).toBe((51).toString(16))
})

test('areas with and without a file', () => {
  const text = `7f3884fba000-7f3884fbe000 rw-p 00000000 00:00 0
555ef3e0c000-555ef3e0d000 r--p 00001000 fe:00 260875                     /usr/bin/a name (deleted)
`
  expect(parseMaps(text).map(({ permissions, offset, name }) => [permissions, offset, name])).toEqual([
    ['rw-p', '00000000', ''],
    ['r--p', '00001000', '/usr/bin/a name (deleted)'],
  ])
})

test('descriptors of each kind', () => {
  expect(
    parseEpollTargets('tfd:        3 events:       19 data:                3  pos:0 ino:5ba3 sdev:9\n'),
  ).toEqual([{ target: 3, events: '19', data: '3' }])
  expect(
    parseTimerfd(
      'clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (999, 500000000)\nit_interval: (0, 0)\n',
    ),
  ).toEqual({ clock: '1', ticks: 0, flags: '00', left: 999.5, interval: 0 })
  expect(parseWatches('inotify wd:1 ino:3f7e8 sdev:fe00000 mask:2 ignored_mask:0 fhandle-bytes:8\n')).toEqual(
    [{ name: 'wd 1', inode: '3f7e8', device: 0xfe00000, mask: '2 0' }],
  )
  expect(parseFdLocks('lock:\t1: POSIX  ADVISORY  WRITE 14960 fe:00:2146359 5 14\n')).toEqual([
    'POSIX ADVISORY WRITE 14960 5 14',
  ])
})

test('POSIX timers', () => {
  const text =
    'ID: 0\nsignal: 14/0000\nnotify: signal/pid.7\nClockID: 1\nID: 3\nsignal: 0/00\nnotify: none/pid.7\nClockID: 0\n'
  expect(parsePosixTimers(text)).toEqual({
    0: { signal: '14/0000', notify: 'signal/pid.7', clock: '1' },
    3: { signal: '0/00', notify: 'none/pid.7', clock: '0' },
  })
})

test('runs of pages that are the process’s own', () => {
  const entries = Buffer.alloc(5 * 8)
  for (const [page, top] of [0x80, 0x81, 0xa0, 0x00, 0x40].entries()) entries[page * 8 + 7] = top
  expect(populatedPages(entries)).toEqual([
    { from: 0, count: 2 },
    { from: 4, count: 1 },
  ])
})

test('adjacent areas with the same flags are one', () => {
  const area = (range: string, flags: string) =>
    `${range} rw-p 0 00:00 0\nRss: 4 kB\nVmFlags: rd wr ${flags} \n`
  const text =
    area('1000-2000', 'lo') + area('2000-3000', 'lo') + area('3000-4000', '') + area('4000-5000', 'dd')
  expect(flaggedRanges(parseSmaps(text), ['lo', 'dd'])).toEqual({ '1000-3000': 'lo', '4000-5000': 'dd' })
})

test('System V objects', () => {
  const text = `       key      shmid perms       size  cpid  lpid nattch   uid   gid  cuid  cgid      atime
        77          4  1600       4096     5     6      1     0     0     0     0 1700000000
`
  expect(parseSysvTable(text)).toEqual([
    { id: '4', facts: { key: '77', perms: '1600', size: '4096', uid: '0', gid: '0', cuid: '0', cgid: '0' } },
  ])
})

test('sockets as ss prints them', () => {
  const text = `tcp   ESTAB  5      0      127.0.0.1:54760 127.0.0.1:35509 ino:23460 sk:1018 cgroup:/ <-> ts sack bbr wscale:10,10 mss:524
u_str LISTEN 1      3      /tmp/a name 23466         * 0     <-> ino:2146358 dev:0/65024 peers: 23467
u_str ESTAB  3      0                * 23464         * 23463 <->
nl    UNCONN 4352   0                4:15064          *      sk=0 cb=0 groups=0x00000000
`
  const rows = parseSocketRows(text)
  expect(rows[0]).toMatchObject({
    netid: 'tcp',
    state: 'ESTAB',
    receiveQueue: 5,
    inode: 23460,
    info: { mss: '524', ts: '' },
  })
  expect(rows[1]).toMatchObject({ local: '/tmp/a name', inode: 23466, sendQueue: 3, peerInode: 0 })
  expect(rows[2]).toMatchObject({ local: '', inode: 23464, peerInode: 23463 })
  expect(rows[3]).toMatchObject({ netid: 'nl', inode: 0 })
})

test('a pending signal tells its number, its code and who sent it', () => {
  // kill(2) of SIGTERM by process 4242, as PTRACE_PEEKSIGINFO shows it.
  const hex = '0f00000000000000000000000000000092100000e8030000'
  expect(parseSiginfo(hex)).toEqual({ signal: 15, code: 0, pid: 4242 })
})
