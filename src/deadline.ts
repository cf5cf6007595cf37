import { performance } from 'node:perf_hooks'

/** Thrown where a deadline has passed; its message is for the middle of a sentence. */
export class Overdue extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Overdue'
  }
}

/** Until when something may take, and what it is busy with: told where it takes longer. */
export class Deadline {
  readonly seconds: number
  readonly #began = performance.now()
  readonly #busy = new Set<string>()
  readonly #note: (busy: readonly string[]) => void
  #isLifted = false

  /**
   * @param seconds from now on, by a clock that nobody sets
   * @param note told what it is busy with, whenever that changes
   */
  constructor(seconds: number, note: (busy: readonly string[]) => void = () => {}) {
    this.seconds = seconds
    this.#note = note
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  /** What it is busy with, as part of a sentence: ` at a.service`, or nothing. */
  get whereabouts(): string {
    const [first, ...more] = this.#busy
    if (first === undefined) return ''
    return ` at ${first}${more.length > 0 ? ` and ${more.length} more` : ''}`
  }

  /** It doesn't count any more. */
  lift(): void {
    this.#isLifted = true
  }

  /** For work that doesn't let go of the thread: a timer could not interrupt it. @throws Overdue */
  check(): void {
    if (!this.#isLifted && this.elapsedSeconds >= this.seconds) throw this.#overdue()
  }

  /** Waits for work, but not beyond the deadline. The work itself may go on. @throws Overdue */
  async race<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => {
        if (!this.#isLifted) reject(this.#overdue())
      }
      timer = setTimeout(giveUp, Math.max(0, this.seconds - this.elapsedSeconds) * 1000)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
      // Where the deadline came first nobody waits for it any more.
      work.catch(() => {})
    }
  }

  /** Does something under a name that is told if it isn't done in time. */
  async during<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    this.#busy.add(name)
    this.#note([...this.#busy])
    try {
      return await act()
    } finally {
      this.#busy.delete(name)
      this.#note([...this.#busy])
    }
  }

  #overdue(): Overdue {
    return new Overdue(`it was not done after ${this.seconds} s${this.whereabouts}`)
  }
}
