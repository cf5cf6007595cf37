import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof signals)[number]

/** Somebody pressed Ctrl-C, asked us to end, or closed the terminal. */
export class Interrupted extends Error {
  /** What a shell would say of a program that the signal ended. */
  readonly exitCode: number

  constructor(signal: Signal) {
    super(`It was ended by ${signal}, and nothing of it is left.`)
    this.name = 'Interrupted'
    this.exitCode = 128 + constants.signals[signal]
  }
}

/**
 * Does something that leaves nothing behind when it is interrupted.
 * @param act ends early, by an error, once its signal is aborted
 * @throws Interrupted where it did.
 */
export async function untilInterrupted<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = (signal: NodeJS.Signals) => controller.abort(new Interrupted(signal as Signal))
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return await act(controller.signal)
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
