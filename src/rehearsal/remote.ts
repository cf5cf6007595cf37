import { connectPatiently, type SshTarget } from '../host/ssh.ts'
import type { Connection } from '../host/ssh-connection.ts'

/** A machine to rehearse in, whoever started it. */
export interface Remote {
  /** Where its services answer at their own ports. */
  readonly address: string
  /**
   * A connection to it as root: the one that is open, or else a new one, waited for.
   * @throws Failure if it doesn't answer in time (600 s if not told).
   */
  ssh(timeoutSeconds?: number): Promise<Connection>
}

/** Software emulation boots in 40 s at best, drifts fivefold, and takes longer where it counts instructions. */
export const BOOT_SECONDS = 600

/** Keeps one connection to a machine that may reboot. */
export function keepConnected(target: SshTarget): Pick<Remote, 'ssh'> & { close(): void } {
  let connection: Connection | undefined
  return {
    ssh: async (timeoutSeconds = BOOT_SECONDS) => {
      if (!connection?.open) connection = await connectPatiently(target, { timeoutSeconds })
      return connection
    },
    close: () => connection?.close(),
  }
}
