import { Agent, get } from 'node:http'
import { type Conversation, WrongAnswer } from './client.ts'

/** nginx closes a connection after 1000 requests: a client that stays long slows down before that. */
const LIVELY_REQUESTS = 600

/** Fetches the same page over one keep-alive connection. */
export async function talkToNginx(host: string): Promise<Conversation> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 0 })
  const first = await fetchPage(agent, host)

  return {
    ask: async () => {
      const page = await fetchPage(agent, host)
      // Node connects again without a word; the port on our side tells.
      if (page.localPort !== first.localPort) throw new Error('nginx closed the connection')
      if (page.status !== 200) throw new WrongAnswer(`nginx answered with status ${page.status}`)
      if (page.body !== first.body) throw new WrongAnswer('nginx sent another page')
    },
    close: () => agent.destroy(),
    pauseSeconds: (requests) => (requests < LIVELY_REQUESTS ? 0.25 : 5),
    lost: 0,
    doubled: 0,
  }
}

interface Page {
  readonly status: number | undefined
  readonly body: string
  readonly localPort: number | undefined
}

function fetchPage(agent: Agent, host: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = get({ host, path: '/', agent }, (response) => {
      const { localPort } = response.socket
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString('utf8'), localPort }),
      )
    })
    request.on('error', reject)
  })
}
