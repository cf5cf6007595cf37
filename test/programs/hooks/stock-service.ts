import { test as base, beforeAll, expect } from 'vitest'
import { StockHost } from './stock-host.ts'
import { stockRoot } from './stock-root.ts'

/** The hook of a service, as it is asked on a host of its own. */
export class Asked {
  readonly #host: StockHost
  readonly #hook: string
  readonly #unit: string

  constructor(host: StockHost, hook: string, unit: string) {
    this.#host = host
    this.#hook = hook
    this.#unit = unit
  }

  /** It is ready, and says nothing to a service that is the same. */
  intact(pid = 0): void {
    expect(this.call('check', pid)).toEqual({ code: 0, out: '', err: '' })
    expect(this.call('capture', pid)).toMatchObject({ code: 0, err: '' })
    expect(this.call('verify', pid)).toEqual({ code: 0, out: '', err: '' })
    expect(this.call('settled', pid)).toEqual({ code: 64, out: '', err: '' })
  }

  /** It says what differs. */
  differs(what: RegExp, pid = 0): void {
    expect(this.call('verify', pid)).toMatchObject({ code: 1, out: expect.stringMatching(what), err: '' })
  }

  /** It only explains. */
  notes(message: string, pid = 0): void {
    const said = `${JSON.stringify({ level: 'note', message })}\n`
    expect(this.call('verify', pid)).toEqual({ code: 0, out: said, err: '' })
  }

  /** It has nothing to say of a service that doesn't offer what it asks for, and tells why. */
  silent(why: RegExp, pid = 0): void {
    const silent = { code: 64, out: '', err: expect.stringMatching(why) }
    expect(this.call('check', pid)).toMatchObject(silent)
    expect(this.call('capture', pid)).toMatchObject(silent)
    expect(this.call('verify', pid)).toMatchObject({ code: 64, out: '' })
  }

  /** It forbids the swap, and tells why. */
  vetoes(why: RegExp, pid = 0): void {
    expect(this.call('check', pid)).toMatchObject({ code: 10, out: '', err: expect.stringMatching(why) })
  }

  call(verb: string, pid = 0) {
    return this.#host.call(this.#hook, verb, this.#unit, pid)
  }
}

/** Tests that get a host of their own, with Debian's packages of these names. */
export function testWith(packages: readonly string[]) {
  let root: string
  beforeAll(async () => {
    root = await stockRoot(packages)
  }, 1_800_000)
  return base.extend<{ host: StockHost; hookOf: (hook: string, unit?: string) => Asked }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its first parameter.
    host: async ({}, use) => {
      const host = await StockHost.start(root)
      await use(host)
      await host.end()
    },
    hookOf: ({ host }, use) => use((hook, unit = hook.split('/')[0]!) => new Asked(host, hook, unit)),
  })
}
