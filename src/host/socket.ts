import { rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'

/**
 * Waits for one program of this host to connect to a unix socket. The socket is gone when this returns; whoever may enter
 * its directory may connect.
 * @throws Error after `timeoutSeconds`.
 */
export async function acceptOne(path: string, timeoutSeconds: number): Promise<Socket> {
  await rm(path, { force: true })
  const server = createServer({ allowHalfOpen: true })
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nobody connected')), timeoutSeconds * 1000)
      server.once('error', reject)
      server.once('connection', (socket) => {
        clearTimeout(timer)
        resolve(socket)
      })
      server.listen(path)
    })
  } finally {
    // Which removes the socket; the connection stays.
    server.close()
  }
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
