import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { inWords } from '../../../src/cli/event-text.ts'
import { Failure } from '../../../src/errors.ts'
import type { Ended } from '../../../src/host/local.ts'
import { ConnectionLost } from '../../../src/host/ssh-connection.ts'
import { followSwap, journalTail, type SwapHost } from '../../../src/remote/follow.ts'
import type { SwapEvent } from '../../../src/swap/event.ts'
import { eventLine } from '../../../src/swap/event-line.ts'
import type { Status, SwapStatus } from '../../../src/swap/report/status.ts'
import { planWith } from '../swap/plans.ts'

vi.setConfig({ testTimeout: 30_000 })

/** What the host answers to a command line, the first time, the second time, and so on; the last answer stays. */
type Answers = Record<string, readonly (string | number | Error)[]>

const id = '20260102000000'
const some = {
  from: '6.12.0',
  to: '6.12.1',
  state: 'in words',
  step: null,
  landed: false,
  verdict: null,
  bytes: 1,
}
const old = { ...some, id: '20260101000000', verdict: 'swapped' }
const bootId = 'cat /proc/sys/kernel/random/boot_id'
const run = 'kernelswap run --events --yes'
const look = 'kernelswap status --json'

/** @param swap what is to be said of the one that is followed */
const status = (swap?: Partial<SwapStatus>, more: Partial<Status> = {}) =>
  JSON.stringify({
    ...{
      schema: 'kernelswap.status/1',
      kernel: '6.12.1',
      busy: null,
      bytes: 1,
      trialBytes: 0,
      failure: null,
    },
    swaps: [old, ...(swap === undefined ? [] : [{ ...some, id, ...swap }])],
    ...more,
  })
const at = (phase: string, step: string) => ({ step: { phase, step } })
const entry = (phase: string, step: string) =>
  JSON.stringify({ version: 1, time: 1, boot: 'two', kernel: '6.12.1', kind: 'step', phase, step })

const report = (verdict: string) =>
  JSON.stringify({
    ...{ schema: 'kernelswap.report/1', id, verdict, reason: null, workloads: [], timeline: [] },
    kernel: { from: '6.12.0', to: '6.12.1', running: '6.12.1' },
  })

let told: string[] = []
beforeEach(() => {
  told = []
})

/** A host that answers as it is told; a number is an exit code with a complaint. */
function hostThat(answers: Answers): SwapHost {
  const left = new Map(
    Object.entries({ [`sh -c ${journalTail}`]: [1], ...answers }).map(([line, list]) => [line, [...list]]),
  )
  return {
    name: 'web',
    run: async (program, args, { onStdoutLine = () => {} } = {}): Promise<Ended> => {
      const list = left.get([program, ...args].join(' '))
      const answer = list && list.length > 1 ? list.shift() : list?.[0]
      if (answer === undefined) throw new Error(`unexpected: ${[program, ...args].join(' ')}`)
      if (answer instanceof Error) throw answer
      if (typeof answer === 'number')
        return { code: answer, stdout: '', stderr: 'kernelswap: why it fails\n' }
      for (const line of answer.split('\n')) onStdoutLine(line)
      return { code: 0, stdout: answer, stderr: '' }
    },
  }
}

const lost = new ConnectionLost('web')
const follow = (answers: Answers) =>
  followSwap(
    hostThat(answers),
    ['run', '--yes'],
    inWords((line) => told.push(line)),
  )

test('a swap that ends without a jump says for itself how', async () => {
  const before = { [bootId]: ['one'], [look]: [status()] }
  expect(await follow({ ...before, [run]: [3] })).toEqual({ kind: 'ended', code: 3 })
  const conclusion = { kind: 'plan', plan: planWith({ ready: false }) } as const
  const failure = { kind: 'failure', failure: 'busy', exitCode: 75, message: 'Later.' } as const
  const events: SwapEvent[] = [{ kind: 'step', phase: 'freeze', step: 'seal' }, failure, conclusion]
  const said = events.map((event) => eventLine(event)).join('\n')
  expect(await follow({ ...before, [run]: [said] })).toEqual({
    ...{ kind: 'ended', code: 0, conclusion, failure: 'Later.' },
  })
  expect(told).toEqual(['freeze: seal', 'kernelswap: Later.'])
})

test('the jump is known by its event, and not by a sentence', async () => {
  const jumping = eventLine({ kind: 'step', phase: 'jump', step: 'jump' })
  const before = { [bootId]: ['one'], [look]: [status()] }
  await follow({ ...before, [run]: [jumping] })
  expect(told).toEqual(['jump: jump', 'web: jumping'])
  told = []
  await follow({ ...before, [run]: ['   1.0 s  jump: jump'] })
  expect(told).toEqual(['   1.0 s  jump: jump'])
})

describe('when the connection breaks', () => {
  test('the swap is found again among earlier ones, whatever fails while the host boots', async () => {
    const refused = new Failure('permission', 'the host is booting: nobody may log in yet')
    const followed = await follow({
      [bootId]: ['one', lost, refused, new Error('ECONNREFUSED'), 'two'],
      [look]: [status(), 1, status(at('verify', 'verify')), status({ verdict: 'degraded' })],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('degraded')],
    })
    expect(followed).toMatchObject({ kind: 'report', report: { verdict: 'degraded' } })
    expect(told).toEqual([
      'the connection to web was lost; the swap goes on without it',
      'web: not yet: the connection to web was lost',
      'web: not yet: the host is booting: nobody may log in yet',
      'web: not yet: ECONNREFUSED',
      'web: not yet: kernelswap on web says: why it fails',
      '6.12.1: verify: verify',
    ])
  })

  test('it is told which step the host is at, and asked for no more until it is done', async () => {
    const line = entry('verify', 'verify')
    await follow({
      [bootId]: ['one', 'two'],
      [`sh -c ${journalTail}`]: [`6.12.1\n${line}\n`, `6.12.1\n${line}\n`, '6.12.1\n{"torn', 1],
      [look]: [status(), status({ verdict: 'swapped' })],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('swapped')],
    })
    expect(told.slice(1)).toEqual(['6.12.1: verify: verify', '6.12.1: at work'])
  })

  test('before the jump, the swap is followed on the same boot to its end there', async () => {
    const followed = await follow({
      [bootId]: ['one'],
      [look]: [
        status(),
        status(undefined, { busy: 7 }),
        status(at('freeze', 'checkpoint'), { busy: 7 }),
        status({ verdict: 'aborted' }),
      ],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('aborted')],
    })
    expect(followed).toMatchObject({ kind: 'report', report: { verdict: 'aborted' } })
    expect(told.at(-1)).toBe('freeze: checkpoint')
  })

  test('a report of success from the same boot is not believed', async () => {
    const answers = {
      [bootId]: ['one'],
      [look]: [status(), status({ verdict: 'swapped' })],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('swapped')],
    }
    await expect(follow(answers)).rejects.toMatchObject({ kind: 'mismatch' })
  })

  test('a landing that waits for a decision is told in its own words, and not waited for', async () => {
    const answers = {
      [bootId]: ['one', 'two'],
      [look]: [
        status(),
        status({ landed: true }),
        status({ landed: true }, { failure: { kind: 'operator', message: 'a.service waits for you' } }),
      ],
      [run]: [lost],
    }
    await expect(follow(answers)).rejects.toMatchObject({
      kind: 'operator',
      message: 'web: a.service waits for you',
    })
  })

  test.each([
    ['another host answers', new Failure('mismatch', 'shows another key'), 'shows another key'],
    ['the journal there is damaged', 4, 'why it fails'],
  ])('it is given up where %s', async (_, answer, message) => {
    const answers = { [bootId]: ['one'], [look]: [status(), answer], [run]: [lost] }
    await expect(follow(answers)).rejects.toMatchObject({
      kind: 'mismatch',
      message: expect.stringContaining(message),
    })
  })

  test('a host that rebooted instead of a swap has ended well where that was asked for', async () => {
    const verb = ['run', '--yes', '--or-reboot']
    const host = hostThat({
      [bootId]: ['one', lost, 'two'],
      [look]: [status()],
      'kernelswap run --events --yes --or-reboot': [lost],
    })
    expect(await followSwap(host, verb, () => {})).toEqual({ kind: 'rebooted' })
  })

  describe('patience', () => {
    beforeEach(() => {
      vi.useFakeTimers()
    })
    afterEach(() => {
      vi.useRealTimers()
    })
    const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 60_000)
    const atStep = (step: string) => `6.12.1\n${entry('freeze', step)}\n`

    test('lasts for as long as a copy to here goes on, and no longer than told after it', async () => {
      let isUnderWay = true
      const answers = {
        [bootId]: ['one'],
        [look]: [status()],
        [run]: [lost],
        [`sh -c ${journalTail}`]: [atStep('evacuate')],
      }
      let ended: unknown
      const options = { limitSeconds: 1200, isUnderWay: () => isUnderWay }
      const following = followSwap(hostThat(answers), ['run', '--yes'], () => {}, options)
      following.catch((error: unknown) => {
        ended = error
      })
      await minutes(90)
      expect(ended).toBeUndefined()
      isUnderWay = false
      await minutes(19)
      expect(ended).toBeUndefined()
      await minutes(2)
      expect(ended).toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('Nothing new was seen of web for 20 minutes'),
      })
    })

    test('begins anew with each step that is seen, not with one that is seen again', async () => {
      let step = 'checkpoint'
      const host: SwapHost = {
        name: 'web',
        run: async (program, args, options) => {
          if (program === 'sh' && args[1] === journalTail)
            return { code: 0, stdout: atStep(step), stderr: '' }
          return hostThat({ [bootId]: ['one'], [look]: [status()], [run]: [lost] }).run(
            program,
            args,
            options,
          )
        },
      }
      let ended: unknown
      followSwap(host, ['run', '--yes'], () => {}, { limitSeconds: 600 }).catch((error: unknown) => {
        ended = error
      })
      for (const next of ['snapshot', 'archive', 'manifest']) {
        await minutes(9)
        step = next
      }
      expect(ended).toBeUndefined()
      for (const again of ['snapshot', 'manifest', 'snapshot']) {
        await minutes(5)
        step = again
      }
      expect(ended).toBeDefined()
    })
  })

  test('a swap that never began is told so, once it had time to', async () => {
    vi.useFakeTimers()
    try {
      const answers = { [bootId]: ['one'], [look]: [status()], [run]: [lost] }
      const told = expect(follow(answers)).rejects.toThrow('was lost before the swap began')
      await vi.advanceTimersByTimeAsync(120_000)
      await told
    } finally {
      vi.useRealTimers()
    }
  })
})
