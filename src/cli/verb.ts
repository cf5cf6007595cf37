import { Command } from 'commander'
import { Failure } from '../errors.ts'
import { collect } from './options.ts'
import { pathOf } from './words.ts'

/** A verb that does its work here, or on the hosts that `--host` names. */
export class Verb extends Command {
  override action(act: Parameters<Command['action']>[0]): this {
    return super.action(async (...args) => {
      // A verb by itself, outside the program that has the options, works here.
      const { host = [], install = false, sshConfig } = this.optsWithGlobals<Partial<RemoteOptions>>()
      if (host.length === 0) return act.apply(this, args)
      const { runThere } = await import('./host-verbs.ts')
      return runThere(this, { destinations: host, install, sshConfig })
    })
  }
}

interface RemoteOptions {
  readonly host: string[]
  readonly install: boolean
  readonly sshConfig?: string
}

/** Declares what sends a verb to other hosts, and refuses it where it means nothing. */
export function addRemoteOptions(program: Command): void {
  program
    .option(
      '--host <destination>',
      'on that host over SSH: user@name[:port] (repeatable: one after the other)',
      collect,
      [],
    )
    .option('--install', 'with --host: install this kernelswap there first', false)
    .option(
      '--ssh-config <file>',
      'with --host or rehearse --like: read this instead of ~/.ssh/config, as ssh -F does',
    )
    .hook('preAction', (_, command) => refuseMisplaced(command))
}

function refuseMisplaced(command: Command): void {
  const { host, install, sshConfig, like } = command.optsWithGlobals<RemoteOptions & { like?: string }>()
  if (host.length > 0 && !(command instanceof Verb))
    throw new Failure('usage', `\`kernelswap ${pathOf(command).join(' ')}\` works here, without --host.`)
  if (host.length > 0) return
  if (install) throw new Failure('usage', '--install needs --host, which says where to.')
  if (sshConfig !== undefined && like === undefined)
    throw new Failure(
      'usage',
      '--ssh-config needs --host, or rehearse --like: nothing else is reached over SSH.',
    )
}
