import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type GroupEnded, runGroup } from '../host/group.ts'
import type { Hook } from './find.ts'
import { broken, judge } from './judge.ts'
import { startProblem } from './start.ts'
import type { HookContext, HookResult, HookSituation, Verb } from './types.ts'

export interface RunHookOptions {
  /** Everything the hook started is killed after this many seconds. */
  readonly timeoutSeconds?: number
  /** What `capture` of the same hook said; for `verify`. */
  readonly baseline?: HookContext['baseline']
  /** Everything the hook started is killed once it is aborted. */
  readonly signal?: AbortSignal | undefined
}

const TIMEOUT_SECONDS = 60
/** A baseline or a list of findings is a few lines; whatever is longer is a mistake, or an attack on our memory. */
const OUTPUT_BYTES = 1024 * 1024
const STDERR_CHARACTERS = 2000

/**
 * Calls a hook with one word and judges what it did. Never throws for anything that the hook does, and never
 * takes longer than the time limit and a moment. What it printed is kept in the output directory.
 */
export async function runHook(
  hook: Hook,
  verb: Verb,
  situation: HookSituation,
  options: RunHookOptions = {},
): Promise<HookResult> {
  if (hook.refused !== undefined) {
    return { hook: hook.id, verb, outcome: 'broken', reason: hook.refused, findings: [], seconds: 0 }
  }
  const timeoutSeconds = options.timeoutSeconds ?? TIMEOUT_SECONDS
  const output = await outputFiles(hook, situation)
  const baselineFile = `${output}.baseline.json`
  const context = contextOf(verb, situation, timeoutSeconds, options.baseline)
  if (verb === 'verify') await writeFile(baselineFile, `${JSON.stringify(options.baseline ?? null)}\n`)
  const started = performance.now()
  const ended = await runGroup(hook.path, [verb], {
    input: `${JSON.stringify(context)}\n`,
    timeoutSeconds,
    env: environment(context, baselineFile),
    cwd: '/',
    outputBytes: OUTPUT_BYTES,
    signal: options.signal,
  })
  await keepOutput(`${output}.${verb}`, ended)
  const seconds = Math.round(performance.now() - started) / 1000
  const stderr = ended.stderr.trim().slice(-STDERR_CHARACTERS)
  const said = stderr === '' ? {} : { stderr }
  const judgement = ended.failure
    ? broken(`could not be started: ${await startProblem(hook.path, ended.failure)}`)
    : judge(verb, ended, timeoutSeconds)
  return { hook: hook.id, verb, seconds, ...said, ...judgement }
}

function contextOf(
  verb: Verb,
  situation: HookSituation,
  timeoutSeconds: number,
  baseline: HookContext['baseline'],
): HookContext {
  return {
    schema: 'kernelswap.hook-context/1',
    verb,
    timeoutSeconds,
    ...situation,
    ...(verb === 'verify' && baseline !== undefined ? { baseline } : {}),
  }
}

/** What a shell script needs of the context, so that it needs no JSON parser. */
function environment(context: HookContext, baselineFile: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    KERNELSWAP_SWAP: context.swap,
    KERNELSWAP_VERB: context.verb,
    KERNELSWAP_PHASE: context.phase,
    KERNELSWAP_UNIT: context.unit,
    KERNELSWAP_MAIN_PID: String(context.mainPid),
    KERNELSWAP_PIDS: context.pids.join(' '),
    KERNELSWAP_KERNEL_FROM: context.kernels.from,
    KERNELSWAP_KERNEL_TO: context.kernels.to,
    KERNELSWAP_DIRECTORY: context.directories.output,
    KERNELSWAP_STRICT: context.strict ? '1' : '',
    ...(context.verb === 'verify' ? { KERNELSWAP_BASELINE: baselineFile } : {}),
  }
}

/** The path that the files of this hook begin with. */
async function outputFiles(hook: Hook, { directories, unit }: HookSituation): Promise<string> {
  const directory = join(directories.output, unit)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return join(directory, hook.id.replace('/', '--'))
}

async function keepOutput(path: string, { stdout, stderr }: GroupEnded): Promise<void> {
  await writeFile(`${path}.stdout`, stdout, { mode: 0o600 })
  await writeFile(`${path}.stderr`, stderr, { mode: 0o600 })
}
