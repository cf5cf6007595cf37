import pRetry, { AbortError } from 'p-retry'
import { Failure, messageOf } from '../errors.ts'
import { ConnectionLost } from '../host/ssh-connection.ts'
import { settleUnit } from '../landing/landing.ts'
import { paths } from '../paths.ts'
import { type Report, reportSchema } from '../report/report.ts'
import { type Conclusion, isConclusion, readEvent, type SwapEvent, type Tell } from '../swap/event.ts'
import { readLine } from '../swap/journal.ts'
import { jump } from '../swap/phases/jump.ts'
import { type Status, statusSchema } from '../swap/report/status.ts'
import { parseDocument } from './document.ts'
import type { RemoteHost } from './host.ts'

/** A host with kernelswap, whose kernel may be swapped while we look. */
export type SwapHost = Pick<RemoteHost, 'name' | 'run'>

/** How a swap that was followed ended. */
export type Followed =
  /** There was no jump: this is what the verb there ended with, where it was a plan or a report. */
  | {
      readonly kind: 'ended'
      readonly code: number
      readonly conclusion: Conclusion | undefined
      /** The last failure that it told, if any. */
      readonly failure: string | undefined
    }
  | { readonly kind: 'report'; readonly report: Report }
  /** There was no swap to be made, and the host was to reboot then (`--or-reboot`). */
  | { readonly kind: 'rebooted' }

/**
 * For so long a swap may show nothing new, in seconds, unless the caller says so: an emulated boot takes minutes. There is
 * no limit to the whole, which may hold a copy of any size.
 */
const landingLimit = 1200
/** For this long nothing may be found of a swap that was just started, in seconds. */
const startLimit = 60
/** What only looks may take so long, in seconds: on a host that is just booting, Node alone takes some of them to start. */
const lookLimit = 120
/** In milliseconds: a host that is away for minutes is asked every few seconds. */
const retry = { minTimeout: 500, maxTimeout: 5000, factor: 1.5 }

/** What was there before the swap. */
interface Before {
  readonly boot: string
  /** Ids of swaps. */
  readonly swaps: readonly string[]
}

/**
 * Runs a verb that swaps the kernel, follows it over the jump, and brings back the report. The swap is the host's own:
 * if the connection breaks it goes on, and we come back to it.
 * @param args the verb and its options, so that it asks nothing
 * @param tell told the verb's own events, the one that it ends with apart, and what is seen from here
 * @throws Failure where the host doesn't come back, waits for a decision, or wasn't the one that jumped.
 */
export async function followSwap(
  host: SwapHost,
  args: readonly string[],
  tell: Tell,
  options: Pick<WaitOptions, 'limitSeconds' | 'isUnderWay'> = {},
): Promise<Followed> {
  const before = { boot: await bootIdOf(host), swaps: (await statusOf(host)).swaps.map(({ id }) => id) }
  const say = (text: string) => tell({ kind: 'message', text })
  const [verb = '', ...rest] = args
  const seen: { isJumping: boolean; conclusion?: Conclusion; failure?: string } = { isJumping: false }
  const hear = (event: SwapEvent) => {
    if (isConclusion(event)) {
      seen.conclusion = event
      return
    }
    tell(event)
    if (event.kind === 'failure') seen.failure = event.message
    if (event.kind !== 'step' || event.phase !== jump.name) return
    seen.isJumping = true
    say(`${host.name}: jumping`)
  }
  try {
    const { code } = await host.run('kernelswap', [verb, '--events', ...rest], {
      onStdoutLine: (line) => hear(readEvent(line)),
      onStderrLine: say,
    })
    return { kind: 'ended', code, conclusion: seen.conclusion, failure: seen.failure }
  } catch (error) {
    // A connection that breaks is what a jump looks like from here.
    if (!(error instanceof ConnectionLost)) throw error
    say(
      seen.isJumping
        ? 'land: waiting for the new kernel'
        : `${messageOf(error)}; the swap goes on without it`,
    )
  }
  const report = await awaitEnd(host, {
    ...options,
    before,
    tell,
    mayReboot: args.includes('--or-reboot'),
  })
  return report === 'rebooted' ? { kind: report } : { kind: 'report', report }
}

export interface WaitOptions {
  /** Tells the swap from earlier ones; without it, it is the latest. */
  readonly before?: Before
  readonly tell?: Tell
  /** For so long nothing new may be seen. */
  readonly limitSeconds?: number
  /** True while something goes on that isn't seen over there, such as a copy to here. */
  readonly isUnderWay?: () => boolean
}

/**
 * Waits until a swap has its report, over any number of boots and broken connections.
 * @throws Failure where the time is up, or what is found there can't become a report.
 */
export async function awaitReport(host: SwapHost, options: WaitOptions = {}): Promise<Report> {
  const report = await awaitEnd(host, { ...options, mayReboot: false })
  if (report === 'rebooted') throw new Error(report)
  return report
}

interface EndOptions extends WaitOptions {
  /** A host that has rebooted and knows of no swap has done what it was told. */
  readonly mayReboot: boolean
}

async function awaitEnd(host: SwapHost, options: EndOptions): Promise<Report | 'rebooted'> {
  const { limitSeconds = landingLimit, isUnderWay = () => false } = options
  const patience = patienceOf(limitSeconds)
  try {
    return await pRetry(observer(host, options, patience.note), {
      ...retry,
      retries: Number.POSITIVE_INFINITY,
      shouldRetry: () => (isUnderWay() ? patience.renew() : patience.isLeft()),
    })
  } catch (error) {
    if (error instanceof Failure && isFinal(error)) throw error
    throw new Failure(
      'failed',
      `Nothing new was seen of ${host.name} for ${limitSeconds / 60} minutes (${messageOf(error)}); the swap goes on there, and \`kernelswap status\` tells where it is.`,
      { cause: error },
    )
  }
}

/** Runs out where nothing new is noted: a host that goes round in circles is given up like one that is gone. */
function patienceOf(seconds: number) {
  const noted = new Set<string>()
  let until = Date.now() + seconds * 1000
  const renew = () => {
    until = Date.now() + seconds * 1000
    return true
  }
  return {
    renew,
    isLeft: () => Date.now() < until,
    note: (state: string) => {
      if (!noted.has(state)) renew()
      noted.add(state)
    },
  }
}

/** Not yet: it is looked for again. */
class Unfinished extends Error {}

/** Whatever else goes wrong while a host boots may be right a moment later, a login that is refused included. */
function giveUpOnFailure(error: unknown): never {
  throw error instanceof Failure && isFinal(error) ? new AbortError(error) : error
}

function isFinal({ kind }: Failure): boolean {
  return kind !== 'permission'
}

function observer(
  host: SwapHost,
  { before, tell = () => {}, mayReboot }: EndOptions,
  note: (state: string) => void,
) {
  const idleLimit = Date.now() + startLimit * 1000
  let told = ''
  const tellNew = (event: SwapEvent): string => {
    const state = JSON.stringify(event)
    if (state !== told) tell(event)
    told = state
    return state
  }
  const unfinished = (state: string): never => {
    note(state)
    throw new Unfinished(state)
  }
  const look = async (): Promise<Report | 'rebooted'> => {
    const boot = await bootIdOf(host)
    const open = await openStep(host)
    if (open) return unfinished(tellNew(open))
    const status = await statusOf(host)
    const swap = status.swaps.filter(({ id }) => !before?.swaps.includes(id)).at(-1)
    if (!swap) {
      if (mayReboot && boot !== before?.boot) return 'rebooted'
      if (before && status.busy === null && Date.now() > idleLimit) throw neverBegun(host)
      return unfinished('it has not begun')
    }
    if (swap.verdict !== null) return verified(host, swap.id, boot, before)
    if (swap.landed && status.failure)
      throw new Failure(status.failure.kind, `${host.name}: ${status.failure.message}`)
    const there = boot === before?.boot ? {} : { kernel: status.kernel }
    const state = tellNew(
      swap.step && !swap.landed
        ? { kind: 'step', ...swap.step, ...there }
        : { kind: 'message', text: [...Object.values(there), swap.state].join(': ') },
    )
    return unfinished(`${boot}: ${swap.landed} ${state}`)
  }
  return () =>
    look().catch((error: unknown) => {
      if (!(error instanceof Unfinished))
        tellNew({ kind: 'message', text: `${host.name}: not yet: ${messageOf(error)}` })
      giveUpOnFailure(error)
    })
}

/**
 * Prints kernel and last journal entry of a swap that is under way, and fails where none is or it waits for a decision.
 * A host that brings its services back has better things to do than to start Node again and again.
 */
export const journalTail = [
  `id=$(cat ${paths.state}/pending) && ! systemctl --quiet is-failed ${settleUnit}`,
  `uname -r && tail -n 1 ${paths.swaps}/"$id"/journal.jsonl`,
].join(' && ')

/** The step that a swap is at, undefined where a closer look is needed. */
async function openStep(host: SwapHost): Promise<SwapEvent | undefined> {
  const { code, stdout } = await host.run('sh', ['-c', journalTail], { timeoutSeconds: lookLimit })
  if (code !== 0) return undefined
  const [kernel, line = ''] = stdout.split('\n')
  const entry = readLine(line)
  return entry?.kind === 'step'
    ? { kind: 'step', phase: entry.phase, step: entry.step, kernel }
    : { kind: 'message', text: `${kernel}: at work` }
}

function neverBegun(host: SwapHost): Failure {
  return new Failure(
    'failed',
    `The connection to ${host.name} was lost before the swap began, and nothing is at work there; run it again.`,
  )
}

/** The report, once the boot id confirms what it says. */
async function verified(
  host: SwapHost,
  id: string,
  boot: string,
  before: Before | undefined,
): Promise<Report> {
  const ended = await outputOf(host, ['report', id, '--json'])
  const report = parseDocument(reportSchema, ended, host.name)
  if (report.verdict === 'swapped' && boot === before?.boot) {
    throw new Failure(
      'mismatch',
      `${host.name} reports a swap, but it is the same boot as before: its report ${id} can't be of this swap; look at it there.`,
    )
  }
  return report
}

async function statusOf(host: SwapHost): Promise<Status> {
  return parseDocument(statusSchema, await outputOf(host, ['status', '--json']), host.name)
}

/** Asks kernelswap there something that changes nothing. */
async function outputOf(host: SwapHost, args: readonly string[]): Promise<string> {
  const ended = await host.run('kernelswap', args, { timeoutSeconds: lookLimit })
  if (ended.code === 0) return ended.stdout
  const said = ended.stderr.trim().split('\n').at(-1)?.replace('kernelswap: ', '')
  const message = `kernelswap on ${host.name} says: ${said}`
  throw ended.code === 4 ? new Failure('mismatch', message) : new Error(message)
}

async function bootIdOf(host: SwapHost): Promise<string> {
  const ended = await host.run('cat', ['/proc/sys/kernel/random/boot_id'], { timeoutSeconds: lookLimit })
  return ended.stdout.trim()
}
