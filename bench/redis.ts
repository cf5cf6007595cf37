import { randomBytes } from 'node:crypto'
import { openWire, type Taken, type Wire } from '../src/rehearsal/clients/wire.ts'

const VALUE_BYTES = 4096
const VALUES_PER_MEBIBYTE = (1 << 20) / VALUE_BYTES
const OK = '+OK\r\n'

/** Fills a Redis with so many mebibytes that can't be compressed, and has it save them, so that no other save is due. */
export async function fill(host: string, port: number, mebibytes: number): Promise<void> {
  const wire = await openWire(host, port)
  for (let index = 0; index < mebibytes; index += 1) {
    await wire.exchange(oneMebibyte(index), (received) => takeOks(received, VALUES_PER_MEBIBYTE))
  }
  // A save that has begun by itself must end first.
  while ((await wire.exchange('SAVE\r\n', takeLine)) !== '+OK') await wire.exchange('PING\r\n', takeLine)
  wire.close()
}

function oneMebibyte(index: number): string {
  const values = Array.from({ length: VALUES_PER_MEBIBYTE }, (_, value) => {
    const key = `${index}:${value}`
    const bytes = randomBytes(VALUE_BYTES).toString('latin1')
    return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${VALUE_BYTES}\r\n${bytes}\r\n`
  })
  return values.join('')
}

function takeOks(received: string, count: number): Taken<true> | null {
  const length = OK.length * count
  return received.length < length ? null : { reply: true, length }
}

function takeLine(received: string): Taken<string> | null {
  const end = received.indexOf('\r\n')
  return end === -1 ? null : { reply: received.slice(0, end), length: end + 2 }
}

/** Asks a Redis for the time of day when it answers: seconds of the real-time clock of whatever boot it is on. */
export async function timeThere(wire: Wire): Promise<number> {
  return wire.exchange('TIME\r\n', takeTime)
}

/**
 * Takes the reply to TIME: seconds and microseconds, two bulk strings.
 * @throws Error for anything else, such as LOADING.
 */
export function takeTime(received: string): Taken<number> | null {
  if (/^[^*]/.test(received)) throw new Error(`Redis: ${received.trim()}`)
  const found = /^\*2\r\n\$\d+\r\n(\d+)\r\n\$\d+\r\n(\d+)\r\n/.exec(received)
  return found ? { reply: Number(found[1]) + Number(found[2]) / 1e6, length: found[0].length } : null
}
