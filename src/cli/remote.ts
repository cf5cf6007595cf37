import { Command } from 'commander'
import { Failure, messageOf } from '../errors.ts'
import type { Ended } from '../host/local.ts'
import { ConnectionLost } from '../host/ssh-connection.ts'
import { parseDestination } from '../remote/destination.ts'
import { parseDocument } from '../remote/document.ts'
import { fetchCheckpoint, tryDirectory } from '../remote/evacuation.ts'
import { followSwap } from '../remote/follow.ts'
import { type RemoteHost, remoteHost, requireSameVersion, unreachable } from '../remote/host.ts'
import { installPackage } from '../remote/install.ts'
import { findPackage } from '../remote/package.ts'
import { reportText } from '../report/text.ts'
import { planSchema, preserved } from '../swap/plan.ts'
import { askSecret } from './ask.ts'
import { confirm } from './confirm.ts'
import { collect } from './options.ts'
import { createOutput, type Output } from './output.ts'

/** Verbs whose place is here, whatever hosts there are. */
const localVerbs = ['rehearse', 'box', 'bundle', 'help']
/** Verbs that ask before they do something; what they would ask there is asked here. */
const questions: Readonly<Record<string, string>> = {
  run: 'Swap the kernel of HOST now?',
  back: 'Swap HOST back to the kernel before?',
  abandon: 'What could not be restored on HOST starts cold and loses its memory. Give up the swap?',
}
/** Verbs that end with the kernel that they began on. */
const swapping = ['run', 'back']

interface Remote {
  readonly hosts: readonly string[]
  readonly install: boolean
  readonly sshConfig: string | undefined
  /** Where the checkpoint is copied to before the jump. */
  readonly evacuate: string | undefined
  /** The verb and all that follows, as it is typed there. */
  readonly words: readonly string[]
}

/** Lets `--host` send any verb to other hosts. Verbs and options are checked here first. */
export function addRemoteOptions(program: Command): void {
  options(program).hook('preAction', (_, action) => {
    const remote = parseRemote(process.argv.slice(2))
    if (remote.hosts.length === 0) {
      if (remote.install) throw new Failure('usage', '--install needs --host, which says where to.')
      if (remote.sshConfig !== undefined && action.opts<{ like?: string }>().like === undefined)
        throw new Failure(
          'usage',
          '--ssh-config needs --host, or rehearse --like: nothing else is reached over SSH.',
        )
      return
    }
    if (localVerbs.includes(remote.words[0] ?? ''))
      throw new Failure('usage', `\`kernelswap ${remote.words[0]}\` works here, without --host.`)
    const { json = false, yes = false } = action.opts<{ json?: boolean; yes?: boolean }>()
    action.action(() => runThere(remote, yes, createOutput(json)))
  })
}

function options(command: Command): Command {
  return command
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
}

interface Parsed {
  readonly host: string[]
  readonly install: boolean
  readonly sshConfig?: string
  readonly evacuate?: string
}

/** Parts what is for us from what is for the host. */
export function parseRemote(argv: readonly string[]): Remote {
  const parser = options(new Command().allowUnknownOption()).option('--evacuate <directory>')
  // What stands behind `--` are no options, here nor there.
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const { operands, unknown } = parser.parseOptions(argv.slice(0, end))
  const { host, install, sshConfig, evacuate } = parser.opts<Parsed>()
  return { hosts: host, install, sshConfig, evacuate, words: [...operands, ...unknown, ...argv.slice(end)] }
}

/** One host after the other, up to the first that doesn't end well. */
async function runThere(remote: Remote, yes: boolean, output: Output): Promise<void> {
  const destinations = remote.hosts.map(parseDestination)
  for (const [index, destination] of destinations.entries()) {
    const host = remoteHost(destination, { configFile: remote.sshConfig, ask: askSecret })
    if (destinations.length > 1) output.say(`${remote.hosts[index]}:`)
    try {
      await prepare(host, remote, output)
      process.exitCode = await runVerb(host, remote, yes, output)
    } catch (error) {
      throw explained(host, error)
    } finally {
      host.close()
    }
    if (process.exitCode !== 0) return
  }
}

async function prepare(host: RemoteHost, { install }: Remote, output: Output): Promise<void> {
  await host.runAsUser('true', []).catch((error: unknown) => {
    throw unreachable(host.name, error)
  })
  if (install) {
    const file = findPackage()
    output.say(`installing ${file}`)
    await installPackage(host, file)
  }
  await requireSameVersion(host)
}

/** @returns the exit code. */
async function runVerb(
  host: RemoteHost,
  { words, evacuate }: Remote,
  yes: boolean,
  output: Output,
): Promise<number> {
  const [verb = '', ...rest] = words
  const question = questions[verb]
  if (question === undefined) return passOn(host, words, output)
  const isAgreed = yes || rest.includes('--scheduled')
  if (!isAgreed) await askHere(host, verb, rest, question, output)
  const agreed = [verb, ...(yes ? [] : ['--yes']), ...rest]
  if (evacuate !== undefined) {
    await tryDirectory(evacuate, await expectedBytes(host, rest))
    return evacuatingSwap(host, [verb, '--hand-over', ...agreed.slice(1)], evacuate, output)
  }
  return swapping.includes(verb) ? swap(host, agreed, output) : passOn(host, agreed, output)
}

/** Options of `run` that `plan` doesn't know. */
const isOfRunAlone = /^--(strict|json|or-reboot|max-outage(=.*)?)$/

/** What the verb would ask on a terminal there; a swap is asked for with its plan, without trial checkpoints. */
async function askHere(
  host: RemoteHost,
  verb: string,
  rest: readonly string[],
  question: string,
  output: Output,
): Promise<void> {
  if (verb === 'run') {
    const plan = await planThere(host, rest)
    for (const line of `${plan.stdout}${plan.stderr}`.trimEnd().split('\n')) output.say(line)
    if (plan.code !== 0 && !mayReboot(rest))
      throw new Failure('refused', `The plan of ${host.name} refuses; it says why.`)
  }
  await confirm(question.replace('HOST', host.name))
}

/** @param rest what follows `run` */
function planThere(host: RemoteHost, rest: readonly string[], ...more: readonly string[]): Promise<Ended> {
  const end = rest.includes('--') ? rest.indexOf('--') : rest.length
  const words = rest.filter(
    (word, at) => at >= end || (!isOfRunAlone.test(word) && rest[at - 1] !== '--max-outage'),
  )
  return host.run('kernelswap', ['plan', '--no-trial', ...more, ...words])
}

/** Memory of what is to be carried, which is most of a checkpoint; 0 where the plan refuses, as the swap will say. */
async function expectedBytes(host: RemoteHost, rest: readonly string[]): Promise<number> {
  const { code, stdout } = await planThere(host, rest, '--json')
  if (code !== 0) return 0
  const plan = parseDocument(planSchema, stdout, host.name)
  return preserved(plan).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
}

function mayReboot(words: readonly string[]): boolean {
  return words.includes('--or-reboot')
}

async function passOn(host: RemoteHost, words: readonly string[], output: Output): Promise<number> {
  const ended = await host.run('kernelswap', words, { onStderrLine: output.say })
  output.pass(ended.stdout)
  return ended.code
}

async function swap(
  host: RemoteHost,
  words: readonly string[],
  output: Output,
  notice: (line: string) => void = () => {},
  isUnderWay: () => boolean = () => false,
): Promise<number> {
  const progress = (line: string) => {
    output.say(line)
    notice(line)
  }
  const followed = await followSwap(host, words, progress, { isUnderWay })
  if (followed.kind === 'rebooted') {
    output.say(`${host.name}: rebooted instead`)
    return 0
  }
  if (followed.kind === 'ended') {
    output.pass(followed.ended.stdout)
    return followed.ended.code
  }
  output.result(followed.report, reportText(followed.report))
  const { verdict } = followed.report
  return verdict === 'swapped' || (verdict === 'aborted' && mayReboot(words)) ? 0 : 1
}

/** Copies the checkpoint here when the swap waits for that. What goes wrong with it aborts the swap over there. */
async function evacuatingSwap(
  host: RemoteHost,
  words: readonly string[],
  directory: string,
  output: Output,
): Promise<number> {
  let evacuation: Promise<void> | undefined
  let isCopying = false
  const notice = (line: string) => {
    if (!/\bfreeze: evacuate$/.test(line) || evacuation) return
    isCopying = true
    evacuation = fetchCheckpoint(host, directory, output.say)
      .then(
        (bundle) => output.say(`evacuate: the checkpoint is in ${bundle}`),
        (error: unknown) => output.say(`evacuate: ${messageOf(error)}`),
      )
      .finally(() => {
        isCopying = false
      })
  }
  const code = await swap(host, words, output, notice, () => isCopying)
  await evacuation
  return code
}

function explained(host: RemoteHost, error: unknown): unknown {
  if (!(error instanceof ConnectionLost)) return error
  return new Failure(
    'failed',
    `${messageOf(error)}; what was started there goes on, and \`kernelswap --host ${host.name} status\` tells where it is.`,
    { cause: error },
  )
}
