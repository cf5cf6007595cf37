import { describe, expect, test } from 'vitest'
import { signalQueues } from '../../../src/abi/facets/signal-queues.ts'
import { signals } from '../../../src/abi/facets/signals.ts'
import { sysvIpc } from '../../../src/abi/facets/sysv-ipc.ts'
import type { Setting } from '../../../src/abi/types.ts'

const signalsPending = signals.find(({ name }) => name === 'signals-pending')!

const held: Setting = {
  strict: true,
  sameKernel: false,
  elapsedSeconds: 90,
  heldSeconds: 0,
  tree: new Set([100, 101]),
}

/** A siginfo_t as the probe prints it: number, errno, code, padding, sender, and zeros. */
function info(signal: number, code: number, pid: number): string {
  const bytes = Buffer.alloc(48)
  bytes.writeInt32LE(signal, 0)
  bytes.writeInt32LE(code, 8)
  bytes.writeInt32LE(pid, 16)
  return bytes.toString('hex')
}

function compareQueues(before: string[], after: string[]) {
  const of = (entries: string[]) => ({ thread: '', process: entries.join(',') })
  return signalQueues.compare(of(before), of(after), held)
}

const byTimer = info(14, 0x80, 0)
const byClient = info(1, 0, 999)
const stopped = info(17, 5, 101)
const exited = info(17, 1, 101)

describe('a signal that is pending after a swap and was not before', () => {
  test.each([
    ['setitimer(2) ran out', byTimer, 'a timer ran out'],
    ['timer_create(2) ran out', info(34, -2, 0), 'a timer ran out'],
    ['F_SETOWN', info(29, 0x80, 0), 'a descriptor became ready'],
    ['F_SETSIG', info(40, 1, 0), 'a descriptor became ready'],
    ['kill(2) by another process', byClient, 'process 999 sent signal 1'],
    ['sigqueue(3) by another process', info(35, -1, 999), 'process 999 sent signal 35'],
    ['a child was stopped', stopped, 'the swap stops tasks'],
  ])('is explained: %s', (_, entry, reason) => {
    expect(compareQueues([], [entry])).toEqual({
      kind: 'explained',
      reasons: [expect.stringContaining(reason)],
    })
  })

  test.each([
    ['a held task can’t have sent it', info(10, 0, 101)],
    ['a child ended', exited],
    ['a fault, which a task that doesn’t run can’t have', info(11, 1, 0)],
    ['a hang-up by the kernel', info(1, 0x80, 0)],
  ])('differs: %s', (_, entry) => {
    expect(compareQueues([], [entry])).toMatchObject({ kind: 'differing' })
  })
})

describe('a signal that was pending before a swap', () => {
  test.each([byTimer, byClient, exited, info(35, -1, 101)])('must be pending still: %s', (entry) => {
    expect(compareQueues([entry], [])).toMatchObject({ kind: 'differing' })
  })

  test('may have others behind it, but not before it: the order of delivery is part of the state', () => {
    const [first, second] = [info(35, -1, 999), info(35, -1, 998)]
    expect(compareQueues([first], [first, second]).kind).toBe('explained')
    expect(compareQueues([first, second], [second, first]).kind).toBe('differing')
  })

  test('of two alike, both must be there', () => {
    const one = info(34, 0, 101)
    expect(compareQueues([one, one], [one]).kind).toBe('differing')
  })

  test('is the swap’s own doing where it tells of a stopped child', () => {
    expect(compareQueues([stopped], []).kind).toBe('explained')
    expect(compareQueues([stopped], [info(17, 5, 100)]).kind).toBe('explained')
    expect(compareQueues([exited], [stopped]).kind).toBe('differing')
  })

  test('does not count where it is a stop that waits for a stopped task: whoever lets that go on takes it away', () => {
    const stop = info(19, 0, 999)
    expect(compareQueues([stop], []).kind).toBe('explained')
    expect(compareQueues([], [stop]).kind).toBe('explained')
    const [none, waiting] = ['0000000000000000', '0000000000040000']
    expect(signalsPending.compare(waiting, none, held).kind).toBe('explained')
  })

  test('is missed in the mask as well, where one more is explained', () => {
    const [none, alarm] = ['0000000000000000', '0000000000002000']
    expect(signalsPending.compare(alarm, none, held)).toEqual({
      kind: 'differing',
      lines: ['14 no longer set'],
    })
    expect(signalsPending.compare(none, alarm, held).kind).toBe('explained')
  })
})

describe('a System V object', () => {
  const owned = { key: '1', perms: '600', uid: '105', gid: '109', cuid: '105', cgid: '109' }
  const compare = (before: Record<string, string>, after: Record<string, string>) =>
    sysvIpc.compare({ 'shm 3': before }, { 'shm 3': after }, held).kind

  test('that CRIU made anew for the owner who created it is explained', () => {
    expect(compare(owned, { ...owned, cuid: '0', cgid: '0' })).toBe('explained')
  })

  test('differs where somebody lost or gained rights by that', () => {
    const given = { ...owned, cuid: '33', cgid: '33' }
    expect(compare(given, { ...given, cuid: '0', cgid: '0' })).toBe('differing')
    const shared = { ...owned, perms: '660' }
    expect(compare(shared, { ...shared, cuid: '0', cgid: '0' })).toBe('differing')
    expect(compare(owned, { ...owned, cuid: '33' })).toBe('differing')
    expect(compare(owned, { ...owned, uid: '0', cuid: '0' })).toBe('differing')
  })
})
