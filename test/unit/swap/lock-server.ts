import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'

/** What a client asked for. */
export interface Asked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
  /** What it was answered. */
  readonly status: number
}

/** A FleetLock server with one place in each group. */
export class LockServer {
  readonly asked: Asked[] = []
  /** Who has the place, by group. */
  readonly holders = new Map<string, string>()
  /** Set to have it answer this status and nothing else. */
  broken: number | undefined
  readonly #servers: Server[] = []

  /** Listens on a port of the loopback interface, and returns its URL. */
  async listen(): Promise<string> {
    const { port } = (await this.listenAt({ host: '127.0.0.1', port: 0 })) as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Listens at one more address, or at the path of a socket. */
  async listenAt(place: ListenOptions): Promise<string | AddressInfo | null> {
    const server = createServer(this.#hear)
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(place, resolve))
    return server.address()
  }

  async close(): Promise<void> {
    for (const server of this.#servers.splice(0)) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  readonly #hear: RequestListener = (request, response) => {
    let text = ''
    request.on('data', (part) => {
      text += part
    })
    request.on('end', () => {
      const body = JSON.parse(text) as { client_params: { id: string; group: string } }
      const { status, answer } = this.#answer(request.url ?? '', body.client_params)
      this.asked.push({ method: request.method, path: request.url, headers: request.headers, body, status })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  }

  #answer(path: string, { id, group }: { id: string; group: string }): { status: number; answer: object } {
    if (this.broken) return { status: this.broken, answer: { kind: 'internal_error', value: 'no etcd' } }
    const holder = this.holders.get(group)
    if (path.endsWith('/v1/pre-reboot')) {
      if (holder !== undefined && holder !== id)
        return { status: 409, answer: { kind: 'failed_lock', value: `${holder} has it` } }
      this.holders.set(group, id)
    } else if (holder === id) this.holders.delete(group)
    return { status: 200, answer: {} }
  }
}
