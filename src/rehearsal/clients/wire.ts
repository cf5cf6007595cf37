import { connect } from 'node:net'

/** A reply found at the beginning of what was received, and its length there. */
export interface Taken<T> {
  readonly reply: T
  readonly length: number
}

/** Finds a whole reply at the beginning of the text; null while it is incomplete. */
export type Take<T> = (received: string) => Taken<T> | null

/** One TCP connection that carries a request and its reply at a time, as bytes in latin1. */
export interface Wire {
  /** @throws if the connection breaks, or has broken. Waits for the reply as long as it takes. */
  exchange<T>(request: string, take: Take<T>): Promise<T>
  close(): void
}

const CONNECT_SECONDS = 60

/** @throws if nobody answers there within 60 s. */
export function openWire(host: string, port: number): Promise<Wire> {
  const socket = connect({ host, port, noDelay: true })
  socket.setEncoding('latin1')
  let received = ''
  let broken: Error | null = null
  let wake: () => void = () => {}

  socket.on('data', (data: string) => {
    received += data
    wake()
  })
  socket.on('error', (error) => {
    broken ??= error
    wake()
  })
  socket.on('close', () => {
    broken ??= new Error('the service closed the connection')
    wake()
  })

  async function exchange<T>(request: string, take: Take<T>): Promise<T> {
    if (received !== '') throw new Error(`an answer that nobody asked for: ${received.slice(0, 80)}`)
    socket.write(request, 'latin1')
    for (;;) {
      const taken = take(received)
      if (taken) {
        received = received.slice(taken.length)
        return taken.reply
      }
      if (broken) throw broken
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return new Promise((resolve, reject) => {
    socket.setTimeout(CONNECT_SECONDS * 1000, () =>
      socket.destroy(new Error(`no answer from ${host}:${port}`)),
    )
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      resolve({ exchange, close: () => socket.destroy() })
    })
  })
}
