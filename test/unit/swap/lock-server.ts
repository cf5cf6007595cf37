import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a client asked for. */
export interface Asked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** A FleetLock server with one place in each group. */
export class LockServer {
  readonly asked: Asked[] = []
  /** Who has the place, by group. */
  readonly holders = new Map<string, string>()
  /** Set to have it answer this status and nothing else. */
  broken: number | undefined
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      let text = ''
      request.on('data', (part) => {
        text += part
      })
      request.on('end', () => {
        const body = JSON.parse(text) as { client_params: { id: string; group: string } }
        this.asked.push({ method: request.method, path: request.url, headers: request.headers, body })
        const { status, answer } = this.#answer(request.url ?? '', body.client_params)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      })
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
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
