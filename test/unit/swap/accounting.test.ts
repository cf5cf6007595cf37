import { describe, expect, test } from 'vitest'
import { agreementOf, whatLasts } from '../../../src/swap/accounting.ts'
import type { Account } from '../../../src/workload/account.ts'
import type { HostProcess } from '../../../src/workload/host-process.ts'

/** Too wide a word would end what nobody meant. */
describe('a word agrees', () => {
  const build = {
    name: 'user@1000.service/build.scope',
    unit: 'user@1000.service',
    class: 'session',
  } as const

  test.each([
    ['user@1000.service/build.scope', true],
    ['user@1000.service', true],
    ['user@1000', true],
    ['session', true],
    ['build.scope', false],
    ['container', false],
    ['', false],
  ])('%j: %j', (word, expected) => {
    expect(agreementOf([word])(build)).toBe(expected)
  })

  test('no word agrees to nothing, not even to what has no unit', () => {
    expect(agreementOf([])({ name: '/', unit: '', class: 'unknown' })).toBe(false)
  })
})

/** Jobs and remote commands come and go while one looks; a refusal over one of those would be a refusal over nothing. */
describe('what only passes by', () => {
  const account = (...lost: number[]) =>
    ({ name: 'a', lost: lost.map((pid) => ({ pid, startTime: 1 }) as HostProcess) }) as unknown as Account
  const looking = (...views: Account[]) => {
    const left = [...views]
    return whatLasts(
      async () => [left.length > 1 ? left.shift()! : left[0]!],
      (one) => one.lost.length > 0,
      undefined,
      1,
    )
  }

  test('is no loss', async () => {
    expect((await looking(account(1), account(2), account()))[0]!.lost).toEqual([])
    expect((await looking(account(1), account(2)))[0]!.lost).toEqual([])
  })

  test('what stays is', async () => {
    expect((await looking(account(1, 5), account(2, 5), account(5)))[0]!.lost).toMatchObject([{ pid: 5 }])
  })
})
