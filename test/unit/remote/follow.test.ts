import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import type { Ended } from '../../../src/host/local.ts'
import { ConnectionLost } from '../../../src/host/ssh-connection.ts'
import { followSwap, openSwap, type SwapHost } from '../../../src/remote/follow.ts'

vi.setConfig({ testTimeout: 30_000 })

/** What the host answers to a command line, the first time, the second time, and so on; the last answer stays. */
type Answers = Record<string, readonly (string | number | Error)[]>

const id = '20260102000000'
const old = { id: '20260101000000', state: 'swapped' }
const bootId = 'cat /proc/sys/kernel/random/boot_id'
const run = 'kernelswap run --yes'
const look = 'kernelswap status --json'
const settling = 'systemctl show --property=ActiveState,ExecMainStatus kernelswap-settle.service'

const status = (state?: string, busy: number | null = null) =>
  JSON.stringify({
    schema: 'kernelswap.status/1',
    kernel: '6.12.1',
    busy,
    swaps: [old, ...(state === undefined ? [] : [{ id, state }])],
  })

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
    Object.entries({ [`sh -c ${openSwap}`]: [1], ...answers }).map(([line, list]) => [line, [...list]]),
  )
  return {
    name: 'web',
    run: async (program, args): Promise<Ended> => {
      const list = left.get([program, ...args].join(' '))
      const answer = list && list.length > 1 ? list.shift() : list?.[0]
      if (answer === undefined) throw new Error(`unexpected: ${[program, ...args].join(' ')}`)
      if (answer instanceof Error) throw answer
      if (typeof answer === 'number')
        return { code: answer, stdout: '', stderr: 'kernelswap: why it fails\n' }
      return { code: 0, stdout: answer, stderr: '' }
    },
  }
}

const lost = new ConnectionLost('web')
const follow = (answers: Answers) =>
  followSwap(hostThat(answers), ['run', '--yes'], (line) => told.push(line))

test('a swap that ends without a jump says for itself how', async () => {
  const followed = await follow({ [bootId]: ['one'], [look]: [status()], [run]: [3] })
  expect(followed).toMatchObject({ kind: 'ended', ended: { code: 3 } })
})

describe('when the connection breaks', () => {
  test('the swap is found again among earlier ones, whatever fails while the host boots', async () => {
    const refused = new Failure('permission', 'the host is booting: nobody may log in yet')
    const followed = await follow({
      [bootId]: ['one', lost, refused, new Error('ECONNREFUSED'), 'two'],
      [look]: [status(), 1, status('at verify: verify'), status('degraded')],
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
      '6.12.1: at verify: verify',
    ])
  })

  test('it is told which step the host is at, and asked for no more until it is done', async () => {
    const entry = '{"version":1,"boot":"two","kind":"step","phase":"verify","step":"verify","time":1}'
    await follow({
      [bootId]: ['one', 'two'],
      [`sh -c ${openSwap}`]: [`6.12.1\n${entry}\n`, `6.12.1\n${entry}\n`, '6.12.1\n{"torn', 1],
      [look]: [status(), status('swapped')],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('swapped')],
    })
    expect(told.slice(1)).toEqual(['6.12.1: verify: verify', '6.12.1: at work'])
  })

  test('before the jump, the swap is followed on the same boot to its end there', async () => {
    const followed = await follow({
      [bootId]: ['one'],
      [look]: [status(), status(undefined, 7), status('at freeze: checkpoint', 7), status('aborted')],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('aborted')],
    })
    expect(followed).toMatchObject({ kind: 'report', report: { verdict: 'aborted' } })
    expect(told.at(-1)).toBe('at freeze: checkpoint')
  })

  test('a report of success from the same boot is not believed', async () => {
    const answers = {
      [bootId]: ['one'],
      [look]: [status(), status('swapped')],
      [run]: [lost],
      [`kernelswap report ${id} --json`]: [report('swapped')],
    }
    await expect(follow(answers)).rejects.toMatchObject({ kind: 'mismatch' })
  })

  test('a landing that waits for a decision is told in its own words, and not waited for', async () => {
    const answers = {
      [bootId]: ['one', 'two'],
      [look]: [status(), status('landed; `kernelswap resume` finishes it')],
      [run]: [lost],
      [settling]: ['ActiveState=activating\nExecMainStatus=0\n', 'ExecMainStatus=5\nActiveState=failed\n'],
      'journalctl --unit kernelswap-settle.service --boot --output=cat --no-pager': [
        'Starting\nkernelswap: a.service waits for you\nFailed\n',
      ],
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
      [`kernelswap ${verb.join(' ')}`]: [lost],
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
    const entry = (step: string) => `6.12.1\n{"kind":"step","phase":"freeze","step":"${step}"}\n`

    test('lasts for as long as a copy to here goes on, and no longer than told after it', async () => {
      let isUnderWay = true
      const answers = {
        [bootId]: ['one'],
        [look]: [status()],
        [run]: [lost],
        [`sh -c ${openSwap}`]: [entry('evacuate')],
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
          if (program === 'sh' && args[1] === openSwap) return { code: 0, stdout: entry(step), stderr: '' }
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
