import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import type { ClientReport } from './report.ts'

/** One long connection to a service, and what is said over it. */
export interface Conversation {
  /**
   * Sends one request, waits for its answer however long that takes, and checks it.
   * @throws WrongAnswer if the service says something else than it should; the connection may live on.
   * @throws any other error if the connection broke.
   */
  ask(): Promise<void>
  /** Checks at the end, over the same connection, that what was acknowledged is there. Throws like `ask`. */
  conclude?(): Promise<void>
  close(): void
  /** Time between an answer and the next request. */
  pauseSeconds(requests: number): number
  /** Writes found missing, or present too often, so far. */
  readonly lost: number
  readonly doubled: number
}

/** The service answered, but not what it should have. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

export interface RunningClient {
  /** Sees one more request answered, ends the conversation and tells how it went. */
  stop(): Promise<ClientReport>
}

/**
 * A connection that answers nothing for so long after the end of the swap is a dead one. Not sooner: a peer's next try
 * may come as long after the service is back as it was away, up to 120 s (TCP_RTO_MAX).
 */
const LAST_ANSWER_SECONDS = 150

/**
 * Carries a conversation on until it is told to stop or the connection breaks. It never connects again.
 * What isn't answered `patience` seconds after `stop` never will be.
 */
export function converse(
  service: string,
  conversation: Conversation,
  patience = LAST_ANSWER_SECONDS,
): RunningClient {
  const talk = { requests: 0, errors: 0, gapSeconds: 0, alive: true, problem: null as string | null }
  let lastAnswer = performance.now()
  let stopping = false
  const hurry = new AbortController()

  function note(error: unknown): void {
    talk.errors += 1
    talk.problem ??= messageOf(error)
    if (!(error instanceof WrongAnswer)) talk.alive = false
  }

  async function askOnce(): Promise<void> {
    try {
      await conversation.ask()
      talk.requests += 1
    } catch (error) {
      note(error)
    }
    const now = performance.now()
    talk.gapSeconds = Math.max(talk.gapSeconds, (now - lastAnswer) / 1000)
    lastAnswer = now
  }

  async function talkOn(): Promise<void> {
    while (talk.alive && !stopping) {
      await askOnce()
      const pause = conversation.pauseSeconds(talk.requests) * 1000
      await sleep(pause, undefined, { signal: hurry.signal }).catch(() => {})
    }
  }
  const talking = talkOn()

  /** The answer that `talkOn` may be waiting for was asked for before the end: one more, then the checks. */
  async function end(): Promise<void> {
    await talking
    if (talk.alive) await askOnce()
    if (talk.alive) await conversation.conclude?.().catch(note)
  }

  async function stop(): Promise<ClientReport> {
    stopping = true
    hurry.abort()
    const inTime = await within(patience, end())
    conversation.close()
    const { requests, errors, alive, problem } = talk
    const { lost, doubled } = conversation
    const silence = inTime ? null : `no answer for ${patience} s`
    return {
      service,
      connectionSurvived: alive && inTime,
      ...{ requests, errors: errors + (inTime ? 0 : 1), lost, doubled },
      gapSeconds: inTime
        ? talk.gapSeconds
        : Math.max(talk.gapSeconds, (performance.now() - lastAnswer) / 1000),
      problem: problem ?? silence ?? wordsFor(lost, doubled),
    }
  }
  return { stop }
}

async function within(seconds: number, work: Promise<void>): Promise<boolean> {
  const limit = new AbortController()
  const late = sleep(seconds * 1000, false, { signal: limit.signal }).catch(() => false)
  const inTime = await Promise.race([work.then(() => true), late])
  limit.abort()
  return inTime
}

function wordsFor(lost: number, doubled: number): string | null {
  if (lost === 0 && doubled === 0) return null
  return `${lost} acknowledged writes are missing, ${doubled} are there twice`
}
