import { createHash, randomUUID } from 'node:crypto'
import { type Conversation, WrongAnswer } from './client.ts'
import { openWire, type Taken } from './wire.ts'

const PORT = 11211
const KEYS = 100

/** Reads known values back, key after key. */
export async function talkToMemcached(host: string): Promise<Conversation> {
  const wire = await openWire(host, PORT)
  const run = randomUUID()
  const keys = Array.from({ length: KEYS }, (_, i) => `kernelswap:rehearsal:${run}:${i}`)
  for (const key of keys) {
    const value = knownValue(key)
    const reply = await wire.exchange(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`, takeLine)
    if (reply !== 'STORED') throw new WrongAnswer(`memcached doesn't store: ${reply}`)
  }
  const missing = new Set<string>()
  let next = 0

  return {
    ask: async () => {
      const key = keys[next++ % KEYS]!
      const value = await wire.exchange(`get ${key}\r\n`, takeGetReply)
      if (value === knownValue(key)) return
      if (value === null) missing.add(key)
      throw new WrongAnswer(
        value === null ? `memcached has lost ${key}` : `memcached has another value for ${key}`,
      )
    },
    close: wire.close,
    pauseSeconds: () => 0.1,
    get lost() {
      return missing.size
    },
    doubled: 0,
  }
}

/** A kilobyte that belongs to this key alone. */
function knownValue(key: string): string {
  return createHash('sha512').update(key).digest('hex').repeat(8)
}

function takeLine(received: string): Taken<string> | null {
  const end = received.indexOf('\r\n')
  return end === -1 ? null : { reply: received.slice(0, end), length: end + 2 }
}

/**
 * Takes the reply to a `get` of one key: its value, or null if memcached doesn't have it.
 * @throws WrongAnswer for anything else, such as an error.
 */
export function takeGetReply(received: string): Taken<string | null> | null {
  const first = takeLine(received)
  if (!first) return null
  if (first.reply === 'END') return { reply: null, length: first.length }
  const bytes = Number(/^VALUE \S+ \d+ (\d+)$/.exec(first.reply)?.[1] ?? Number.NaN)
  if (Number.isNaN(bytes)) throw new WrongAnswer(`memcached: ${first.reply}`)
  const end = first.length + bytes
  const length = end + '\r\nEND\r\n'.length
  if (received.length < length) return null
  if (received.slice(end, length) !== '\r\nEND\r\n')
    throw new WrongAnswer('memcached: a value of another length')
  return { reply: received.slice(first.length, end), length }
}
