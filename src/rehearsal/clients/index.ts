import { Failure, messageOf } from '../../errors.ts'
import { type Conversation, converse, type RunningClient } from './client.ts'
import { talkToMemcached } from './memcached.ts'
import { talkToNginx } from './nginx.ts'
import { talkToPostgresql } from './postgresql.ts'
import { talkToRedis } from './redis.ts'
import type { ClientReport } from './report.ts'

export type { ClientReport } from './report.ts'

/** Clients at work, one a service. */
export interface Clients {
  /** Sees one more request of each answered (150 s at most), ends them and tells how they fared. */
  stop(): Promise<ClientReport[]>
}

const KNOWN: readonly { readonly prefix: string; readonly talk: (host: string) => Promise<Conversation> }[] =
  [
    { prefix: 'redis', talk: talkToRedis },
    { prefix: 'memcached', talk: talkToMemcached },
    { prefix: 'nginx', talk: talkToNginx },
    // Not postgresql.service, which only gathers the clusters.
    { prefix: 'postgresql@', talk: talkToPostgresql },
  ]

/**
 * Connects a client to each of these units that there is one for, and keeps it busy until `stop`.
 * When this returns, each has had an answer.
 * @throws Failure if a service doesn't answer.
 */
export async function startClients(address: string, units: readonly string[]): Promise<Clients> {
  const starting = units.flatMap((unit) => {
    const known = KNOWN.find(({ prefix }) => unit.startsWith(prefix))
    return known ? [startClient(unit, known.talk, address)] : []
  })
  const outcomes = await Promise.allSettled(starting)
  const clients = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = () => Promise.all(clients.map((client) => client.stop()))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  return { stop }
}

async function startClient(
  unit: string,
  talk: (host: string) => Promise<Conversation>,
  address: string,
): Promise<RunningClient> {
  try {
    const conversation = await talk(address)
    await conversation.ask()
    return converse(unit, conversation)
  } catch (error) {
    throw new Failure('failed', `the client of ${unit} gets no service: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
