import { describe, expect, test } from 'vitest'
import { parseLogErrors } from '../../../src/tools/criu.ts'
import { explainDump, triesOf } from '../../../src/workload/dump-errors.ts'
import { fixture } from '../fixture.ts'

const unit = 'app.service'
const restart = '--restart app.service'
const adopt = 'kernelswap adopt app.service'

/** Whoever reads the plan must learn the cause, not the last thing CRIU said. */
describe('a failed dump is explained from its log', () => {
  test.each([
    ['dump-user-namespace', 'user-namespace', /user namespace of its own/, adopt],
    ['dump-system-v', 'sysv-ipc', /System V IPC/, adopt],
  ])('%s', (name, code, reason, remedy) => {
    const errors = parseLogErrors(fixture(`criu/${name}.txt`))
    expect(explainDump(unit, errors, '')).toEqual({ code, reason: expect.stringMatching(reason), remedy })
  })

  test.each([
    [
      'Unsupported proto 262',
      'multipath-tcp',
      /multipath TCP/,
      'for a Go program: Environment=GODEBUG=multipathtcp=0',
    ],
    [
      "sockets: Can't get 1:16 opt: Operation not supported",
      'criu-too-old',
      /this CRIU/,
      /CRIU 4.2 or newer/,
    ],
    ["files: Can't dump file 9: anon_inode:[io_uring]", 'io-uring', /io_uring/, adopt],
    [
      "pagemap: Can't write: No space left on device",
      'disk-space',
      /does not fit on the disk/,
      'free some space',
    ],
  ])('%s', (message, code, reason, remedy) => {
    const log = `(00.012345) pie: 429: harmless\n(00.012346) Error (criu/x.c:99): ${message}\n`
    expect(explainDump(unit, parseLogErrors(log), '')).toEqual({
      code,
      reason: expect.stringMatching(reason),
      remedy: typeof remedy === 'string' ? remedy : expect.stringMatching(remedy),
    })
  })
})

test('of several errors the first is told where none is known: the others follow from it', () => {
  const told = explainDump(unit, ['the cause', 'Dumping FAILED.'], 'nsenter said this')
  expect(told).toEqual({ code: 'dump-failed', reason: 'CRIU cannot dump it: the cause', remedy: restart })
})

test('without a log the last line of standard error is told', () => {
  expect(explainDump(unit, [], 'first\nnsenter: no such process\n').reason).toBe(
    'CRIU cannot dump it: nsenter: no such process',
  )
})

test('a dump that says nothing at all still gets a reason', () => {
  expect(explainDump(unit, [], '').reason).toBe('CRIU cannot dump it: no message')
})

/** One netlink message that had just come refused a whole swap of 28 units. */
test.each([
  ['what passes by is worth several tries', ['netlink: The socket has data to read', 'Dumping FAILED.'], 5],
  ['a connection that is about to be accepted', ['inet: In-flight connection (l) for 1f'], 5],
  ['a task that ended just then', ["Can't open /proc/4711/maps: No such file or directory"], 5],
  ['a task that would not stop', ['Unable to freeze tasks'], 5],
  ['what nobody knows is worth a second', ['some new complaint', 'Dumping FAILED.'], 2],
  ['nothing said is worth a second', [], 2],
  ['what is known to stay is not', ["Can't dump file 9: anon_inode:[io_uring]"], 1],
  ['nor where it is told beside other things', ['No space left on device', 'No such process'], 1],
])('%s', (_, errors, tries) => {
  expect(triesOf(errors)).toBe(tries)
})
