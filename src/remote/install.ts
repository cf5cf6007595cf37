import { basename } from 'node:path'
import { Failure } from '../errors.ts'
import type { Ended } from '../host/local.ts'
import { installFiles } from '../tools/apt.ts'
import type { RemoteHost } from './host.ts'

/** apt fetches what the package needs. */
const installSeconds = 1200

/**
 * Copies the Debian package of this kernelswap to a host and installs it with what it needs, whatever version was there.
 * @throws Failure where that isn't Debian, or apt refuses.
 */
export async function installPackage(host: RemoteHost, file: string): Promise<void> {
  // A directory of its own: nobody else can put another package in its place.
  const directory = (
    await must(host, host.runAsUser('mktemp', ['--directory', '/tmp/kernelswap.XXXXXXXXXX']))
  ).stdout.trim()
  try {
    const copy = `${directory}/${basename(file)}`
    await host.putFile(file, copy, 0o600)
    const install = host.run('env', installFiles([copy], '--reinstall'), { timeoutSeconds: installSeconds })
    await must(host, install)
  } finally {
    await host.runAsUser('rm', ['-r', directory]).catch(() => {})
  }
}

async function must(host: RemoteHost, running: Promise<Ended>): Promise<Ended> {
  const ended = await running
  if (ended.code === 0) return ended
  const why = (ended.stderr.trim() || ended.stdout.trim()).split('\n').at(-1)
  throw new Failure('failed', `kernelswap could not be installed on ${host.name}: ${why}.`)
}
