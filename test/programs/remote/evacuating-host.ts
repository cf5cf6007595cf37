import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BundleIndex } from '../../../src/archive/bundle.ts'
import { type RemoteHost, remoteHost } from '../../../src/remote/host.ts'
import { type Server, startServer } from './sshd.ts'

/** A server whose host goes by the name of `web`; what stands in for kernelswap there is the test's. */
export interface EvacuatingHost {
  readonly server: Server
  /** OpenSSH's configuration that knows it. */
  readonly configFile: string
  readonly connect: () => RemoteHost
}

/** Starts one; keys and configuration go into a directory. */
export async function startHost(place: string): Promise<EvacuatingHost> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place, 'key')])
  const server = await startServer(readFileSync(join(place, 'key.pub'), 'utf8'))
  writeFileSync(join(place, 'known_hosts'), `[127.0.0.1]:${server.port} ${server.hostKey}\n`)
  const configFile = join(place, 'config')
  writeFileSync(
    configFile,
    [
      ...['Host web', `Port ${server.port}`, 'HostName 127.0.0.1', `IdentityFile ${place}/key`],
      ...['IdentityAgent none', `UserKnownHostsFile ${place}/known_hosts`, ''],
    ].join('\n'),
  )
  const ask = () => Promise.reject(new Error('asked'))
  return {
    ...{ server, configFile },
    connect: () => remoteHost({ name: 'web', user: 'root' }, { configFile, ask }),
  }
}

/** The index of a checkpoint that has one file. */
export function indexOf(name: string, content: Buffer): BundleIndex {
  const sha256 = createHash('sha256').update(content).digest('hex')
  return {
    ...{ schema: 'kernelswap.bundle/2', id: '20260101000000', host: 'web', units: [], sockets: [] },
    kernel: { from: '6.12.0', to: '6.12.1' },
    files: [{ name, bytes: content.length, sha256 }],
  }
}
