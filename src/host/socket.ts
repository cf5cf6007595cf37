import { rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'

/**
 * Serves programs of this host on a unix socket, until one has brought what is waited for. There is one at a time: a new
 * one ends the one before, which may be about to notice that whoever it works for is gone. The socket is gone when this
 * returns; whoever may enter its directory may connect.
 * @param serve returns what was waited for, or undefined for another to come
 * @throws what the last `serve` threw, or Error, where none has come for `patienceSeconds` since the last was served.
 */
export async function serveInTurn<T>(
  path: string,
  serve: (socket: Socket) => Promise<T | undefined>,
  patienceSeconds: number,
): Promise<T> {
  await rm(path, { force: true })
  const server = createServer({ allowHalfOpen: true })
  let present: Socket | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      let problem: unknown = new Error('nobody connected')
      const wait = () => {
        clearTimeout(timer)
        timer = setTimeout(() => reject(problem), patienceSeconds * 1000)
      }
      server.once('error', reject)
      server.on('connection', (socket) => {
        present?.destroy()
        present = socket
        clearTimeout(timer)
        // Heard by whoever serves it.
        socket.on('error', () => {})
        const ended = (found: T | undefined, error: unknown) => {
          if (found !== undefined) resolve(found)
          if (present !== socket) return
          problem = error
          wait()
        }
        serve(socket).then(
          (found) => ended(found, new Error('nobody connected again')),
          (error: unknown) => {
            socket.destroy()
            ended(undefined, error)
          },
        )
      })
      server.listen(path)
      wait()
    })
  } finally {
    clearTimeout(timer)
    present?.destroy()
    // Which removes the socket.
    server.close()
  }
}

/** What comes until the other side has said all; it may be answered then. @throws Error where it goes away before. */
export async function readRequest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // An iterator would close the socket at the end of the request (stream.Readable.iterator(), destroyOnReturn).
  await finished(socket, { writable: false })
  return Buffer.concat(chunks).toString('utf8')
}

/** Connects to a unix socket. @throws Error where nobody listens. */
export function connectLocally(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
