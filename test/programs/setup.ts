import { existsSync } from 'node:fs'
import { messageOf } from '../../src/errors.ts'
import { installPackages, missingPackages } from '../../src/rehearsal/requirements.ts'

const say = (line: string) => void process.stderr.write(`${line}\n`)

/**
 * Installs what these tests try the real thing with, in a container alone: where systemd runs, an OpenSSH server
 * would open a port, which is not ours to do. Tests for which something is missing are skipped.
 */
export async function setup(): Promise<void> {
  if (process.getuid?.() !== 0 || existsSync('/run/systemd/system')) return
  const requirements = {
    '/usr/sbin/sshd': 'openssh-server',
    sudo: 'sudo',
    'systemd-analyze': 'systemd',
    chromium: 'chromium',
    mmdebstrap: 'mmdebstrap',
    '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
  }
  await installPackages(missingPackages(requirements), say).catch((error: unknown) => say(messageOf(error)))
}
