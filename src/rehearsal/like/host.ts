import { Failure } from '../../errors.ts'
import type { Ended } from '../../host/local.ts'
import type { RemoteHost } from '../../remote/host.ts'

/** A host as far as it is read. */
export type ReadHost = Pick<RemoteHost, 'name' | 'run' | 'start'>

/** What anybody asks the host may take this long, in seconds. */
export const answerSeconds = 600

/** Runs a program there that has to succeed, and returns what it prints. @throws Failure with what it complains of. */
export async function answerOf(host: ReadHost, program: string, args: readonly string[]): Promise<string> {
  const ended = await host.run(program, args, { timeoutSeconds: answerSeconds })
  if (ended.code === 0) return ended.stdout
  throw new Failure('failed', `${host.name} could not be read: ${program} says: ${lastLine(ended)}.`)
}

/** The last thing that a program said, without the full stop. */
export function lastLine({ stdout, stderr, code }: Ended): string {
  const line = (stderr.trim() || stdout.trim()).split('\n').at(-1)
  return line?.replace(/^kernelswap: |\.$/g, '') || `exit code ${code}`
}
