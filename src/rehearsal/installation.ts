import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Failure } from '../errors.ts'
import type { RemoteRunOptions } from '../host/ssh-connection.ts'
import { findPackage } from '../remote/package.ts'
import type { Remote } from './remote.ts'

const installSeconds = 600

/** Changes whenever the Debian package of this kernelswap does. */
export async function packageKey(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(findPackage()))
    .digest('hex')
}

/** Installs kernelswap in a machine as on a real host. */
export async function installKernelswap(machine: Remote): Promise<void> {
  const ssh = await machine.ssh()
  await ssh.putFile(findPackage(), '/root/kernelswap.deb', 0o600)
  await prepareBy(machine, 'dpkg', ['--install', '/root/kernelswap.deb'])
}

/**
 * Runs a program that prepares a machine, and returns what it prints.
 * @throws Failure with what it says if it fails.
 */
export async function prepareBy(
  machine: Remote,
  program: string,
  args: readonly string[],
  options: RemoteRunOptions = {},
): Promise<string> {
  const ssh = await machine.ssh()
  const ended = await ssh.run(program, args, { timeoutSeconds: installSeconds, ...options })
  if (ended.code === 0) return ended.stdout
  throw new Failure(
    'failed',
    `The rehearsal machine could not be prepared: ${ended.stderr.trim() || ended.stdout.trim()}`,
  )
}
