import { join } from 'node:path'
import { Command } from 'commander'
import { Failure } from '../errors.ts'
import { ensureBox } from '../rehearsal/box.ts'
import { cacheDirectory, keepLastUsed } from '../rehearsal/cache.ts'
import { ensureImage } from '../rehearsal/image.ts'
import type { Machine } from '../rehearsal/machine.ts'
import { machineUnits, rehearse, startRehearsalMachine } from '../rehearsal/rehearse.ts'
import type { Remote } from '../rehearsal/remote.ts'
import { ensureHostPackages } from '../rehearsal/requirements.ts'
import { enterSandbox, insideSandbox, setUpLoopback, setUpNetwork } from '../rehearsal/sandbox.ts'
import { startVagrantMachine } from '../rehearsal/vagrant.ts'
import { withSuffix } from '../swap/phases/inspect.ts'
import { collect } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { createProgress } from './progress.ts'
import { tell } from './tell.ts'

interface Options {
  readonly to: string
  readonly unit: string[]
  readonly strict: boolean
  readonly keep: boolean
  readonly vagrant: boolean
  readonly json: boolean
}

/** Rehearsals whose logs are kept. */
const rehearsalsKept = 5

/** `kernelswap rehearse`: the same, in a virtual machine. */
export function rehearseCommand(): Command {
  return new Command('rehearse')
    .summary('swap the kernel of a virtual machine, under services with live clients')
    .description(
      'Builds a machine from Debian packages (once), installs kernelswap in it, connects clients to its services,\n' +
        'swaps its kernel, and reports what the services and the clients saw. The restored units are held stopped\n' +
        'until they are compared, bytes of memory too. Touches nothing on this host.',
    )
    .option(
      '--to <version>',
      'a release as `uname -r` prints it, newest-stable or newest-backports',
      'newest-stable',
    )
    .option('--unit <unit>', 'carry this service only (repeatable; default: all four)', collect, [])
    .option('--no-strict', 'let the restored units run at once, and compare what does not move meanwhile')
    .option('--keep', 'keep the machine running afterwards, until Ctrl-C', false)
    .option('--vagrant', 'have Vagrant and libvirt start the machine, which needs no root', false)
    .option('--json', 'print one JSON document', false)
    .action(async (options: Options) => {
      const output = createOutput(options.json)
      if (insideSandbox()) return rehearseInside(options, output)
      if (options.vagrant && options.keep) throw keptByVagrant()
      await ensureHostPackages(output.say, options.vagrant ? 'vagrant' : 'qemu')
      const image = await ensureImage(output.say)
      if (options.vagrant) await ensureBox(image, output.say)
      process.exitCode = await enterSandbox(process.argv.slice(2))
    })
}

interface Started extends Remote {
  stop(): Promise<void>
  /** Resolves when the machine has ended. */
  keep?(): Promise<void>
}

async function rehearseInside(options: Options, output: Output): Promise<void> {
  endOnSignal()
  await (options.vagrant ? setUpLoopback() : setUpNetwork())
  const image = await ensureImage(output.say)
  const rehearsals = join(cacheDirectory(), 'rehearsals')
  const directory = join(rehearsals, new Date().toISOString().replace(/\D/g, '').slice(0, 14))
  const progress = createProgress()
  async function embedded(): Promise<Started> {
    const started = await startRehearsalMachine(image, directory, (line) =>
      progress.phase(`machine: ${line}`),
    )
    return { ...started, keep: () => keepRunning(started, output) }
  }
  progress.phase('machine: start')
  const machine: Started = await (options.vagrant ? startVagrantMachine(image, directory) : embedded())
  try {
    const units = options.unit.length > 0 ? options.unit.map(withSuffix) : machineUnits
    const outcome = await rehearse(machine, {
      image,
      to: options.to,
      units,
      strict: options.strict,
      directory,
      progress: progress.phase,
    })
    progress.end()
    tell(outcome, output)
    if (options.keep) await machine.keep?.()
  } finally {
    progress.end()
    await machine.stop()
    await keepLastUsed(rehearsals, rehearsalsKept)
    output.say(`logs: ${directory}`)
  }
}

function keptByVagrant(): Failure {
  return new Failure(
    'usage',
    '--keep does not go with --vagrant, which ends with its machine: `vagrant up` starts one that stays',
  )
}

async function keepRunning(machine: Machine, output: Output): Promise<void> {
  output.say('the machine runs on until Ctrl-C; from another terminal, as root:')
  output.say(
    `  nsenter --target $(pgrep --newest qemu-system) --net ssh -i ${machine.image.sshKey} root@${machine.address}`,
  )
  await machine.ended
}

/** We are process 1 of the sandbox, which hears no signal without a handler; our end is the end of everything in it. */
function endOnSignal(): void {
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
}
