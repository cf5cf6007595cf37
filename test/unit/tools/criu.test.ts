import { describe, expect, test } from 'vitest'
import { parseDeathSignal, parseLogErrors, parseTaskState } from '../../../src/tools/criu.ts'
import { fixture, fixtureBytes } from '../fixture.ts'

test('the errors of a log, without time and source', () => {
  expect(parseLogErrors(fixture('criu/dump-user-namespace.txt'))).toEqual([
    "Can't setns 7/uts: Operation not permitted",
    "One or more namespaces doesn't belong to the target user namespace",
    'Dumping FAILED.',
  ])
})

/** CRIU logs the time only where it also logs what it does (criu/log.c, LOG_TIMESTAMP). */
test('the errors of a log without times', () => {
  const log = [
    'Warn  (criu/cr-dump.c:1): something',
    'Error (criu/sk-netlink.c:79): netlink: The socket has data to read',
    '   331: Error (criu/files-reg.c:2165): File has bad size',
    'pie: 331: Error (criu/pie/parasite.c:1): out of memory',
  ].join('\n')
  expect(parseLogErrors(log)).toEqual([
    'netlink: The socket has data to read',
    'File has bad size',
    'out of memory',
  ])
})

test('errors of a restored task carry its PID', () => {
  const log = [
    '(00.045123)    331: Opening /proc/331/fd',
    '(00.045124)    331: Error (criu/files-reg.c:2165): File var/lib/x has bad size 8 (expect 9)',
    '(00.045125) pie: 331: Error (criu/pie/restorer.c:1840): Restorer fail 331',
    '(00.045126) Error (criu/cr-restore.c:2572): Restoring FAILED.',
  ].join('\n')
  expect(parseLogErrors(log)).toEqual([
    'File var/lib/x has bad size 8 (expect 9)',
    'Restorer fail 331',
    'Restoring FAILED.',
  ])
})

test('warnings and talk are no errors', () => {
  expect(
    parseLogErrors('(00.1) Warn  (criu/x.c:1): Error ahead\n(00.2) Errors: 0\nError (x): no time\n'),
  ).toEqual([])
  expect(parseLogErrors('')).toEqual([])
})

/** As CRIU 4.2.1 wrote them of two children of a shell, one of them stopped by SIGSTOP (TASK_ALIVE is 1, TASK_STOPPED 3). */
describe('the state of a task in its core image', () => {
  test('is the one it had when CRIU took hold of it, however it was left', () => {
    expect(parseTaskState(fixtureBytes('criu/core-running.img'))).toBe(1)
    expect(parseTaskState(fixtureBytes('criu/core-stopped.img'))).toBe(3)
  })

  test('is not guessed from an image that is damaged', () => {
    const image = fixtureBytes('criu/core-stopped.img')
    for (const length of [0, 11, 12, 40]) expect(() => parseTaskState(image.subarray(0, length))).toThrow()
    expect(() => parseTaskState(Buffer.alloc(image.length))).toThrow('names no state')
  })
})

/** As CRIU 4.2.1 wrote it of a perl that had called prctl(PR_SET_PDEATHSIG, SIGTERM). */
describe('the signal at the death of the parent', () => {
  test('is in the core image of a thread that asked for it', () => {
    expect(parseDeathSignal(fixtureBytes('criu/core-death-signal.img'))).toBe(15)
    expect(parseDeathSignal(fixtureBytes('criu/core-running.img'))).toBe(0)
  })

  test('is not guessed from an image that is damaged', () => {
    const image = fixtureBytes('criu/core-death-signal.img')
    for (const length of [0, 11, 12, 40]) expect(() => parseDeathSignal(image.subarray(0, length))).toThrow()
    expect(() => parseDeathSignal(Buffer.alloc(image.length))).toThrow('no thread')
  })
})
