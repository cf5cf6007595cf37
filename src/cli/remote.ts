import type { Command, Option } from 'commander'
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
import { createOutput, type Output } from './output.ts'
import { pathOf, wordsOf } from './words.ts'

/** Verbs that ask before they do something; what they would ask there is asked here. */
const questions: Readonly<Record<string, string>> = {
  run: 'Swap the kernel of HOST now?',
  back: 'Swap HOST back to the kernel before?',
  abandon: 'What could not be restored on HOST starts cold and loses its memory. Give up the swap?',
}
/** Verbs that end with the kernel that they began on. */
const swapping = ['run', 'back']

/** Where a verb is to do its work. */
export interface Elsewhere {
  /** As they are typed. */
  readonly destinations: readonly string[]
  readonly install: boolean
  /** Read instead of ~/.ssh/config. */
  readonly sshConfig: string | undefined
}

/** What verbs are told that concerns us as well. */
interface Options {
  readonly json?: boolean
  readonly yes?: boolean
  readonly scheduled?: boolean
  readonly orReboot?: boolean
  /** Where the checkpoint is copied to before the jump. */
  readonly evacuate?: string
}

/** Has other hosts run a verb, as it was called here: one after the other, up to the first that doesn't end well. */
export async function runThere(
  command: Command,
  { destinations, install, sshConfig }: Elsewhere,
): Promise<void> {
  const output = createOutput(command.opts<Options>().json ?? false)
  const targets = destinations.map(parseDestination)
  for (const [index, target] of targets.entries()) {
    const host = remoteHost(target, { configFile: sshConfig, ask: askSecret })
    if (targets.length > 1) output.say(`${destinations[index]}:`)
    try {
      await prepare(host, install, output)
      process.exitCode = await runVerb(host, command, output)
    } catch (error) {
      throw explained(host, error)
    } finally {
      host.close()
    }
    if (process.exitCode !== 0) return
  }
}

async function prepare(host: RemoteHost, install: boolean, output: Output): Promise<void> {
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
async function runVerb(host: RemoteHost, command: Command, output: Output): Promise<number> {
  const verb = pathOf(command).join(' ')
  const question = questions[verb]
  if (question === undefined) return passOn(host, wordsOf(command), output)
  const { yes = false, scheduled = false, evacuate } = command.opts<Options>()
  if (!yes && !scheduled) await askHere(host, command, question, output)
  if (evacuate !== undefined) await tryDirectory(evacuate, await expectedBytes(host, command))
  const words = wordsOf(command, ({ long }) => !['--yes', '--evacuate'].includes(long!), [
    '--yes',
    ...(evacuate === undefined ? [] : ['--hand-over']),
  ])
  if (!swapping.includes(verb)) return passOn(host, words, output)
  return evacuate === undefined
    ? swap(host, words, command, output)
    : evacuatingSwap(host, words, command, evacuate, output)
}

/** What the verb would ask on a terminal there; a swap is asked for with its plan, without trial checkpoints. */
async function askHere(host: RemoteHost, command: Command, question: string, output: Output): Promise<void> {
  if (command.name() === 'run') {
    const plan = await planThere(host, command)
    for (const line of `${plan.stdout}${plan.stderr}`.trimEnd().split('\n')) output.say(line)
    if (plan.code !== 0 && !command.opts<Options>().orReboot)
      throw new Failure('refused', `The plan of ${host.name} refuses; it says why.`)
  }
  await confirm(question.replace('HOST', host.name))
}

/** What `run` is told counts for its plan, as far as a plan knows it. */
function planThere(host: RemoteHost, run: Command, ...more: readonly string[]): Promise<Ended> {
  const plan = run.parent!.commands.find((command) => command.name() === 'plan')!
  const isOfBoth = ({ long }: Option) => long !== '--json' && plan.options.some((each) => each.long === long)
  return host.run('kernelswap', wordsOf(run, isOfBoth, ['--no-trial', ...more], pathOf(plan)))
}

/** Memory of what is to be carried, which is most of a checkpoint; 0 where the plan refuses, as the swap will say. */
async function expectedBytes(host: RemoteHost, run: Command): Promise<number> {
  const { code, stdout } = await planThere(host, run, '--json')
  if (code !== 0) return 0
  const plan = parseDocument(planSchema, stdout, host.name)
  return preserved(plan).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
}

async function passOn(host: RemoteHost, words: readonly string[], output: Output): Promise<number> {
  const ended = await host.run('kernelswap', words, { onStderrLine: output.say })
  output.pass(ended.stdout)
  return ended.code
}

async function swap(
  host: RemoteHost,
  words: readonly string[],
  command: Command,
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
  return verdict === 'swapped' || (verdict === 'aborted' && command.opts<Options>().orReboot) ? 0 : 1
}

/** Copies the checkpoint here when the swap waits for that. What goes wrong with it aborts the swap over there. */
async function evacuatingSwap(
  host: RemoteHost,
  words: readonly string[],
  command: Command,
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
  const code = await swap(host, words, command, output, notice, () => isCopying)
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
