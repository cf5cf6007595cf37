import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Ended } from '../../src/host/local.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'

/** kernelswap as somebody starts it here, whose OpenSSH configuration, in a folder, knows the machine as `machine`. */
export function elsewhere(machine: Machine, place: string): (...words: string[]) => Promise<Ended> {
  writeFileSync(join(place, 'known_hosts'), `${machine.address} ${machine.image.hostKey}`)
  writeFileSync(
    join(place, 'config'),
    [
      ...['Host machine', `HostName ${machine.address}`, 'User root', `IdentityFile ${machine.image.sshKey}`],
      ...[`UserKnownHostsFile ${place}/known_hosts`, ''],
    ].join('\n'),
  )
  return (...words) =>
    attempt('node', commandLine(place, words), {
      timeoutSeconds: 5400,
      onStderrLine: (line) => void process.stderr.write(`${line}\n`),
    })
}

/** The arguments of node. */
export function commandLine(place: string, words: readonly string[]): string[] {
  return ['dist/kernelswap.js', '--ssh-config', join(place, 'config'), ...words]
}
