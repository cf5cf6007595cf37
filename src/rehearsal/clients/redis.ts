import { randomUUID } from 'node:crypto'
import { type Conversation, WrongAnswer } from './client.ts'
import { openWire, type Taken } from './wire.ts'

const PORT = 6379

/** Counts up with INCR: a write that is lost or done twice shows in the next answer. */
export async function talkToRedis(host: string): Promise<Conversation> {
  const wire = await openWire(host, PORT)
  const key = `kernelswap:rehearsal:${randomUUID()}`
  let counter = 0
  let lost = 0
  let doubled = 0

  return {
    ask: async () => {
      const reply = await wire.exchange(`INCR ${key}\r\n`, takeIncrReply)
      if (typeof reply === 'string') throw new WrongAnswer(`Redis: ${reply}`)
      const surplus = reply - (counter + 1)
      if (surplus < 0) lost -= surplus
      else doubled += surplus
      counter = reply
    },
    close: wire.close,
    pauseSeconds: () => 0.1,
    get lost() {
      return lost
    },
    get doubled() {
      return doubled
    },
  }
}

/** Takes the reply to an INCR: the counter, or whatever else Redis says, such as an error. */
export function takeIncrReply(received: string): Taken<number | string> | null {
  const end = received.indexOf('\r\n')
  if (end === -1) return null
  const line = received.slice(0, end)
  return { reply: /^:-?\d+$/.test(line) ? Number(line.slice(1)) : line, length: end + 2 }
}
