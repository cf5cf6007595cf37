import { join } from 'node:path'
import { Command, Option } from 'commander'
import { Failure } from '../errors.ts'
import { ensureBox } from '../rehearsal/box.ts'
import { cacheDirectory, keepLastUsed } from '../rehearsal/cache.ts'
import { ensureImage, type Image } from '../rehearsal/image.ts'
import { startMachineLike } from '../rehearsal/like/build.ts'
import { judge } from '../rehearsal/like/judge.ts'
import { openCopy } from '../rehearsal/like/study.ts'
import type { Machine } from '../rehearsal/machine.ts'
import { machineUnits, rehearse, startRehearsalMachine } from '../rehearsal/rehearse.ts'
import type { Remote } from '../rehearsal/remote.ts'
import { ensureHostPackages } from '../rehearsal/requirements.ts'
import { enterSandbox, insideSandbox, setUpLoopback, setUpNetwork } from '../rehearsal/sandbox.ts'
import { startVagrantMachine } from '../rehearsal/vagrant.ts'
import { serviceName } from '../tools/unit-name.ts'
import { htmlOption, writeHtml } from './html.ts'
import { collect, eventsOption } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { createProgress } from './progress.ts'
import { copyHost, tellPrediction } from './rehearse-like.ts'
import { tell } from './tell.ts'

interface Options {
  readonly to?: string
  readonly unit: string[]
  readonly strict: boolean
  readonly keep: boolean
  readonly vagrant: boolean
  readonly like?: string
  readonly withData: string[]
  /** What `--like` becomes inside the sandbox: the name of the copy that was made. */
  readonly copy?: string
  readonly json: boolean
  readonly html?: string
  readonly events: boolean
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
        'until they are compared, bytes of memory too. Touches nothing on this host.\n\n' +
        'With --like the machine has the packages, kernels, units and configuration of a host, which is read over SSH\n' +
        'and not changed, and runs its services. Tells for each what a swap there would do: "preserved", "needs adopt"\n' +
        'or "can\'t", and why. Data is left out unless --with-data names it. Exit code 0: all are preserved; else 1.',
    )
    .option(
      '--to <version>',
      'a release as `uname -r` prints it, newest-stable or newest-backports (default: newest-stable; with --like the newest of the host that is not running)',
    )
    .option(
      '--unit <unit>',
      'carry this service only (repeatable; default: all four; with --like those that `kernelswap plan` there names)',
      collect,
      [],
    )
    .option('--like <destination>', 'rehearse a swap of this host, user@name[:port], in a machine like it')
    .option(
      '--with-data <path>',
      'with --like: copy this file or directory of the host, too (repeatable)',
      collect,
      [],
    )
    .addOption(new Option('--copy <name>').hideHelp())
    .option('--no-strict', 'let the restored units run at once, and compare what does not move meanwhile')
    .option('--keep', 'keep the machine running afterwards, until Ctrl-C', false)
    .option('--vagrant', 'have Vagrant and libvirt start the machine, which needs no root', false)
    .option('--json', 'print one JSON document', false)
    .addOption(htmlOption())
    .addOption(eventsOption())
    .action(async (options: Options, command: Command) => {
      const output = createOutput(options)
      refuseContradictions(options)
      if (isInside(options)) return rehearseInside(options, output)
      await ensureHostPackages(output.say, options.vagrant ? 'vagrant' : 'qemu')
      const image = await ensureImage(output.say)
      if (options.vagrant) await ensureBox(image, output.say)
      const more = await copyIfLike(options, command, image, output)
      process.exitCode = await enterSandbox([...process.argv.slice(2), ...more])
    })
}

/** A host may be a machine in a sandbox, and the copy of it has one of its own. */
function isInside({ like, copy }: Options): boolean {
  return like === undefined ? insideSandbox() : copy !== undefined
}

/** Before the sandbox, which reaches no host. */
async function copyIfLike(
  { like, to, unit, withData }: Options,
  command: Command,
  image: Image,
  output: Output,
): Promise<string[]> {
  if (like === undefined) return []
  const { sshConfig } = command.optsWithGlobals<{ sshConfig?: string }>()
  return ['--copy', await copyHost({ like, to, unit, withData, sshConfig }, image, output)]
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
  const told = output.format === 'events' ? output.tell : progress.tell
  const say = (line: string) => told({ kind: 'message', text: `machine: ${line}` })
  const copy = options.copy === undefined ? undefined : await openCopy(image, options.copy)
  async function embedded(): Promise<Started> {
    const started = await (copy
      ? startMachineLike(image, copy, directory, say)
      : startRehearsalMachine(image, directory, say))
    return { ...started, keep: () => keepRunning(started, output) }
  }
  say('start')
  const machine: Started = await (options.vagrant ? startVagrantMachine(image, directory) : embedded())
  try {
    const { to, strict } = options
    const how = { image, strict, directory, tell: told }
    const units = options.unit.length > 0 ? options.unit.map(serviceName) : machineUnits
    const result = await (copy
      ? judge(machine, copy, { ...how, to })
      : rehearse(machine, { ...how, to: to ?? 'newest-stable', units }))
    progress.end()
    if ('kind' in result) tell(result, output)
    else tellPrediction(result, output)
    // After it is told: a rehearsal takes too long to be lost for a name.
    if (options.html !== undefined && 'kind' in result && result.kind === 'report')
      await writeHtml(options.html, result.report)
    if (options.keep) await machine.keep?.()
  } finally {
    progress.end()
    await machine.stop()
    await keepLastUsed(rehearsals, rehearsalsKept)
    output.say(`logs: ${directory}`)
  }
}

/** @throws Failure 'usage' for options that don't go together. */
function refuseContradictions({ vagrant, keep, like, withData, html }: Options): void {
  if (html !== undefined && like !== undefined)
    throw new Failure('usage', '--html does not go with --like, which ends with a prediction; leave one out.')
  if (vagrant && keep)
    throw new Failure(
      'usage',
      '--keep does not go with --vagrant, which ends with its machine: `vagrant up` starts one that stays',
    )
  if (vagrant && like !== undefined)
    throw new Failure(
      'usage',
      '--like does not go with --vagrant, whose machine is the same for all; leave one out.',
    )
  if (like === undefined && withData.length > 0)
    throw new Failure('usage', '--with-data needs --like, which says from where the data comes.')
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
