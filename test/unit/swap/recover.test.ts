import { describe, expect, test } from 'vitest'
import type { LandingState } from '../../../src/landing/landing.ts'
import { type Entry, verdictSchema } from '../../../src/swap/journal.ts'
import { type Decision, decide, type Present } from '../../../src/swap/recover.ts'
import { stepsNamed } from '../../../src/swap/swap.ts'
import { before, stepEntries, unfinished, type Writer, written } from './journals.ts'

const landings = ['unsealed', 'sealed', 'released', 'stale'] as const satisfies readonly LandingState[]
const boots = ['boot-before', 'boot-after'] as const

const everyPresent: readonly Present[] = boots.flatMap((boot) =>
  [true, false].flatMap((jumped) => landings.map((landing) => ({ boot, jumped, landing }))),
)
const verify: Entry = { kind: 'step', phase: 'verify', step: 'verify' }
const settle: Entry = { kind: 'step', phase: 'settle', step: 'clear-landing' }
const landed = { boot: 'boot-after', kernel: 'new' }

describe('a swap that was cut short before its verdict', () => {
  test.each(unfinished())('$name', ({ lines, open }) => {
    for (const present of everyPresent) {
      const where = JSON.stringify(present)
      const decision = decide(lines, present)
      if (present.boot === before.boot) {
        // Whatever the command line and the landing say: on the boot that began it, everything open is taken back.
        expect(decision, where).toEqual({ kind: 'undo', steps: open.toReversed() })
      } else {
        expect(decision, where).toEqual(onAnotherBoot(present))
      }
    }
  })

  /** Another boot never undoes: the processes it would thaw are gone. */
  function onAnotherBoot({ jumped, landing }: Present): Decision {
    if (landing === 'sealed' || landing === 'released') return { kind: 'settle', fellBack: !jumped }
    const when = landing === 'stale' ? 'after-release' : 'before-seal'
    return { kind: 'lost', when }
  }
})

/** A verdict is the end: reading the journal again must never touch a running service. */
test.each(verdictSchema.options)('nothing is left to do after the verdict %s', (verdict) => {
  const ended: Entry = { kind: 'verdict', verdict }
  for (const { lines } of unfinished()) {
    for (const writer of [before, landed]) {
      const journal = [...lines, ...written(writer, verify, settle, ended)]
      for (const present of everyPresent) expect(decide(journal, present)).toEqual({ kind: 'nothing' })
    }
  }
})

test('a swap that never took a step needs nothing', () => {
  for (const present of everyPresent) {
    expect(decide([], present)).toEqual({ kind: 'nothing' })
    expect(decide(written(before, { kind: 'error', message: 'why' }), present)).toEqual({ kind: 'nothing' })
  }
})

describe('after the jump', () => {
  const jumped = written(before, ...stepEntries)
  const fallenBack: Writer = { boot: 'boot-after', kernel: 'old' }

  test.each([
    [landed, true],
    [fallenBack, false],
  ])('a kernelswap that was ended on the same boot settles again: %o', (writer, isJump) => {
    const expected = { kind: 'settle', fellBack: !isJump }
    const present = { boot: writer.boot, jumped: isJump }
    const verifying = [...jumped, ...written(writer, verify)]
    for (const landing of ['sealed', 'released'] as const) {
      expect(decide(verifying, { ...present, landing })).toEqual(expected)
    }
    // The landing is cleared in this step, so it may be in any state.
    const settling = [...verifying, ...written(writer, settle)]
    for (const landing of ['sealed', 'released', 'unsealed'] as const) {
      expect(decide(settling, { ...present, landing })).toEqual(expected)
    }
  })

  test('a power cut once the services had gone on loses them, and the verdict says when', () => {
    const third = { boot: 'boot-third', jumped: false }
    const lost = { kind: 'lost', when: 'after-release' }
    expect(decide([...jumped, ...written(landed, verify)], { ...third, landing: 'stale' })).toEqual(lost)
    expect(decide([...jumped, ...written(landed, verify)], { ...third, landing: 'unsealed' })).toEqual(lost)
    const settling = [...jumped, ...written(landed, verify, settle)]
    expect(decide(settling, { ...third, landing: 'unsealed' })).toEqual(lost)
  })

  /** The cold services must not be told apart as badly restored ones. */
  test('a kernelswap that was ended while it settled a loss finds a loss again', () => {
    const settlingLoss = [...jumped.slice(0, -2), ...written(fallenBack, settle)]
    expect(decide(settlingLoss, { boot: fallenBack.boot, jumped: false, landing: 'unsealed' })).toEqual({
      kind: 'lost',
      when: 'before-seal',
    })
    const afterRelease = [
      ...jumped,
      ...written(landed, verify),
      ...written({ boot: 'boot-third', kernel: 'old' }, settle),
    ]
    expect(decide(afterRelease, { boot: 'boot-third', jumped: false, landing: 'unsealed' })).toEqual({
      kind: 'lost',
      when: 'after-release',
    })
  })

  test('a power cut while the services were still held restores them again', () => {
    const third: Present = { boot: 'boot-third', jumped: false, landing: 'sealed' }
    const held = [...jumped, ...written(landed, verify)]
    expect(decide(held, third)).toEqual({ kind: 'settle', fellBack: true })
  })
})

test('deciding changes nothing: the same journal asks for the same twice', () => {
  for (const { lines } of unfinished()) {
    const frozen = Object.freeze(lines.map((line) => Object.freeze({ ...line })))
    for (const present of everyPresent) expect(decide(frozen, present)).toEqual(decide(frozen, present))
  }
})

test('every step has a name of its own, which the journal can be undone by', () => {
  const names = stepEntries.map(({ step }) => step)
  expect(new Set(names).size).toBe(names.length)
  expect(stepsNamed(names.toReversed()).map(({ name }) => name)).toEqual(names)
})
