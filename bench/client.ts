import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, messageOf } from '../src/errors.ts'
import { openWire } from '../src/rehearsal/clients/wire.ts'
import { takeTime, timeThere } from './redis.ts'

/*
 * Clients run on the host: nothing in the machine outlives its kernel but what is carried. Where instructions are
 * counted, the host's clock tells nothing about the machine's time, so a client doesn't look at it: it asks Redis for
 * the time of day, and each answer says itself when it was given. The one thing that stays the host's is when TCP
 * tries again; as its timers double with the silence they scale with it, but for the shortest (200 ms).
 */

/** What a client missed: the times of day there of the last answer before and of the first one after. */
export interface Wait {
  readonly lastBefore: number
  readonly firstAfter: number
}

/** Milliseconds of host time between an answer and the next question. */
const PAUSE = 50
/** A service that doesn't come back within so many seconds of host time never will. */
const RETURN_SECONDS = 1800
const ANSWER_SECONDS = 10

/**
 * Talks over one connection until `stop`, which sees one more question answered and returns the longest wait.
 * `stop` throws a Failure if the connection broke.
 */
export async function holdConnection(host: string, port: number): Promise<{ stop(): Promise<Wait> }> {
  const wire = await openWire(host, port)
  const stopping = new AbortController()
  let last = await timeThere(wire)
  let longest = { lasted: 0, lastBefore: last, firstAfter: last }

  async function ask(): Promise<void> {
    const asked = performance.now()
    const answered = await timeThere(wire)
    const lasted = performance.now() - asked
    if (lasted > longest.lasted) longest = { lasted, lastBefore: last, firstAfter: answered }
    last = answered
  }
  async function talk(): Promise<void> {
    do {
      await sleep(PAUSE)
      await ask()
    } while (!stopping.signal.aborted)
  }
  const talking = talk()
  // It may break long before anybody asks how it went.
  talking.catch(() => {})

  return {
    stop: async () => {
      stopping.abort()
      try {
        await talking
      } catch (error) {
        throw new Failure('failed', `A client lost its connection to port ${port}: ${messageOf(error)}.`)
      } finally {
        wire.close()
      }
      return longest
    },
  }
}

/**
 * Talks over one connection until it breaks, then tries again and again to be answered over new ones.
 * @returns the promise of the wait, in an object so that nobody waits for it by waiting for us
 */
export async function seeReturn(host: string, port: number): Promise<{ wait: Promise<Wait> }> {
  const wire = await openWire(host, port)
  let lastBefore = await timeThere(wire)
  async function untilBroken(): Promise<void> {
    for (;;) {
      await sleep(PAUSE)
      lastBefore = await timeThere(wire)
    }
  }
  async function untilBack(): Promise<Wait> {
    await untilBroken().catch(() => wire.close())
    return { firstAfter: await firstAnswer(host, port), lastBefore }
  }
  return { wait: untilBack() }
}

/** Knocks every moment, whatever became of the knocks before: TCP by itself would wait ever longer. */
async function firstAnswer(host: string, port: number): Promise<number> {
  const deadline = Date.now() + RETURN_SECONDS * 1000
  let answer: number | undefined
  while (answer === undefined) {
    if (Date.now() > deadline) throw new Failure('failed', `Port ${port} never answered again.`)
    askOnce(host, port).then(
      (time) => {
        answer ??= time
      },
      () => {},
    )
    await sleep(PAUSE * 4)
  }
  return answer
}

function askOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: ANSWER_SECONDS * 1000 })
    let received = ''
    socket.setEncoding('latin1')
    socket.on('timeout', () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
    socket.on('data', (data: string) => {
      received += data
      try {
        const taken = takeTime(received)
        if (taken) resolve(taken.reply)
        if (taken) socket.destroy()
      } catch (error) {
        // Still loading its data, for example.
        socket.destroy(error as Error)
      }
    })
    socket.write('TIME\r\n')
  })
}
