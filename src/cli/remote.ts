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
import { reportSchema } from '../report/report.ts'
import { reportText } from '../report/text.ts'
import { type Conclusion, readEvent, type SwapEvent, type Tell } from '../swap/event.ts'
import { evacuate } from '../swap/phases/evacuate.ts'
import { type Plan, planSchema, preserved } from '../swap/plan.ts'
import { askSecret } from './ask.ts'
import { agree } from './confirm.ts'
import { writeHtml } from './html.ts'
import { createOutput, type Output } from './output.ts'
import { planText } from './plan-text.ts'
import { pathOf, wordsOf } from './words.ts'

/** Verbs that ask before they do something; what they would ask there is asked here. */
const questions: Readonly<Record<string, string>> = {
  run: 'Swap the kernel of HOST now?',
  back: 'Swap HOST back to the kernel before?',
  abandon: 'What could not be restored on HOST starts cold and loses its memory. Give up the swap?',
}
/** Verbs that end with the kernel that they began on. */
const swapping = ['run', 'back']

/** Of those what is answered here: whoever swaps there tells events, and here they become what was asked for. */
const ours = ['--yes', '--evacuate', '--json', '--events']

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
  readonly events?: boolean
  readonly yes?: boolean
  readonly scheduled?: boolean
  readonly orReboot?: boolean
  /** Where the report is written here, for a browser. */
  readonly html?: string
  /** Where the checkpoint is copied to before the jump. */
  readonly evacuate?: string
}

/** Has other hosts run a verb, as it was called here: one after the other, up to the first that doesn't end well. */
export async function runThere(
  command: Command,
  { destinations, install, sshConfig }: Elsewhere,
): Promise<void> {
  const targets = destinations.map(parseDestination)
  for (const [index, target] of targets.entries()) {
    const host = remoteHost(target, { configFile: sshConfig, ask: askSecret })
    const output = createOutput(command.opts<Options>(), { host: host.name })
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
  const { html } = command.opts<Options>()
  if (html !== undefined) return reportHere(host, command, html, output)
  const question = questions[verb]
  if (question === undefined) return passOn(host, wordsOf(command), output)
  const { yes = false, scheduled = false, evacuate: directory } = command.opts<Options>()
  if (!yes && !scheduled) await askHere(host, command, question, output)
  if (directory !== undefined) await tryDirectory(directory, await expectedBytes(host, command))
  if (!swapping.includes(verb))
    return passOn(
      host,
      wordsOf(command, ({ long }) => long !== '--yes', ['--yes']),
      output,
    )
  const more = ['--yes', ...(directory === undefined ? [] : ['--hand-over'])]
  const words = wordsOf(command, ({ long }) => !ours.includes(long!), more)
  return directory === undefined
    ? swap(host, words, command, output)
    : evacuatingSwap(host, words, command, directory, output)
}

/** The file is to be here: the report comes as a document. */
async function reportHere(host: RemoteHost, command: Command, file: string, output: Output): Promise<number> {
  const words = wordsOf(command, ({ long }) => long !== '--html' && long !== '--json', ['--json'])
  const { code, stdout } = await host.run('kernelswap', words, { onStderrLine: output.say })
  if (code !== 0) return code
  const report = parseDocument(reportSchema, stdout, host.name)
  await writeHtml(file, report)
  output.result(report, reportText(report))
  return 0
}

/** What the verb would ask on a terminal there; a swap is asked for with its plan, without trial checkpoints. */
async function askHere(host: RemoteHost, command: Command, question: string, output: Output): Promise<void> {
  if (command.name() === 'run') {
    const { code, stdout, stderr } = await planThere(host, command)
    for (const line of stderr.split('\n')) if (line !== '') output.say(line)
    if (stdout !== '') tellPlan(parseDocument(planSchema, stdout, host.name), output)
    if (code !== 0 && !command.opts<Options>().orReboot)
      throw new Failure('refused', `The plan of ${host.name} refuses; it says why.`)
  }
  await agree(question.replace('HOST', host.name), output)
}

function tellPlan(plan: Plan, output: Output): void {
  if (output.format === 'events') output.tell({ kind: 'plan', plan })
  else for (const line of planText(plan)) output.say(line)
}

/** What `run` is told counts for its plan, as far as a plan knows it. */
function planThere(host: RemoteHost, run: Command): Promise<Ended> {
  const plan = run.parent!.commands.find((command) => command.name() === 'plan')!
  const isOfBoth = ({ long }: Option) =>
    !ours.includes(long!) && plan.options.some((each) => each.long === long)
  return host.run('kernelswap', wordsOf(run, isOfBoth, ['--no-trial', '--json'], pathOf(plan)))
}

/** Memory of what is to be carried, which is most of a checkpoint; 0 where the plan refuses, as the swap will say. */
async function expectedBytes(host: RemoteHost, run: Command): Promise<number> {
  const { code, stdout } = await planThere(host, run)
  if (code !== 0) return 0
  const plan = parseDocument(planSchema, stdout, host.name)
  return preserved(plan).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
}

async function passOn(host: RemoteHost, words: readonly string[], output: Output): Promise<number> {
  const isEvents = output.format === 'events'
  const ended = await host.run('kernelswap', words, {
    ...(isEvents ? { onStdoutLine: (line) => output.tell(readEvent(line)) } : {}),
    onStderrLine: output.say,
  })
  if (!isEvents) output.pass(ended.stdout)
  return ended.code
}

async function swap(
  host: RemoteHost,
  words: readonly string[],
  command: Command,
  output: Output,
  tell: Tell = output.tell,
  isUnderWay: () => boolean = () => false,
): Promise<number> {
  const followed = await followSwap(host, words, tell, { isUnderWay })
  if (followed.kind === 'rebooted') {
    output.say(`${host.name}: rebooted instead`)
    return 0
  }
  if (followed.kind === 'ended') {
    if (followed.conclusion) conclude(followed.conclusion, output)
    return followed.code
  }
  const { report } = followed
  conclude({ kind: 'report', report }, output)
  const { verdict } = report
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
  const tell = (event: SwapEvent) => {
    output.tell(event)
    if (event.kind !== 'step' || event.step !== evacuate.name || evacuation) return
    isCopying = true
    evacuation = fetchCheckpoint(host, directory, output.tell)
      .then(
        (bundle) => output.say(`evacuate: the checkpoint is in ${bundle}`),
        (error: unknown) => output.say(`evacuate: ${messageOf(error)}`),
      )
      .finally(() => {
        isCopying = false
      })
  }
  const code = await swap(host, words, command, output, tell, () => isCopying)
  await evacuation
  return code
}

function conclude(event: Conclusion, output: Output): void {
  if (event.kind === 'plan') output.conclude(event, planText(event.plan))
  if (event.kind === 'report') output.conclude(event, reportText(event.report))
}

function explained(host: RemoteHost, error: unknown): unknown {
  if (!(error instanceof ConnectionLost)) return error
  return new Failure(
    'failed',
    `${messageOf(error)}; what was started there goes on, and \`kernelswap --host ${host.name} status\` tells where it is.`,
    { cause: error },
  )
}
