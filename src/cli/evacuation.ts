import { Command } from 'commander'
import pRetry from 'p-retry'
import { Failure, messageOf } from '../errors.ts'
import { connectLocally } from '../host/socket.ts'
import { standardOutput } from '../printer.ts'
import { evacuationSocket, requests } from '../swap/phases/evacuate.ts'
import { requireRoot } from './root.ts'

/** The swap says that it waits just before it does. */
const retry = { retries: 20, minTimeout: 250, maxTimeout: 1000 }

/**
 * `kernelswap evacuation`: what `run --evacuate` calls over SSH. The checkpoint comes out of standard output; another
 * call says that it has arrived. After a stream that broke, a call asks for the rest. Not for people.
 */
export function evacuationCommand(): Command {
  return new Command('evacuation')
    .option('--received <id>', 'the checkpoint of this swap has arrived')
    .option('--from <byte>', 'contents of the checkpoint from that byte on')
    .action(async ({ received, from }: { received?: string; from?: string }) => {
      requireRoot()
      const socket = await pRetry(() => connectLocally(evacuationSocket), retry).catch((error: unknown) => {
        throw new Failure('refused', `No swap waits for an evacuation: ${messageOf(error)}.`)
      })
      if (received !== undefined) {
        await new Promise<void>((resolve) => socket.end(requests.received(received), resolve))
        return
      }
      socket.end(from === undefined ? requests.all() : requests.rest(Number(from)))
      await standardOutput.bytes(socket)
    })
}
