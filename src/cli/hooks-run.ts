import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import * as z from 'zod'
import { Failure, messageOf } from '../errors.ts'
import { callHooks } from '../hooks/call.ts'
import { type HookResult, type HookSituation, verbs, type Verb as Word } from '../hooks/types.ts'
import { parseJson } from '../json.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { paths } from '../paths.ts'
import { readRegularFile } from '../regular-file.ts'
import { serviceName } from '../tools/unit-name.ts'
import { inspectWorkload } from '../workload/kinds.ts'
import type { TaskTree } from '../workload/task-tree.ts'
import { untilInterrupted } from './interruption.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly baseline?: string
  readonly strict: boolean
  readonly json: boolean
}

/** What `hooks run --json` prints, as far as `--baseline` needs it. */
const baselineSchema = z.object({
  schema: z.literal('kernelswap.hooks-run/1'),
  results: z.array(z.object({ hook: z.string(), baseline: z.json().optional() })),
})

/** A hook's answer has 1 MiB at the most: as many of them as anybody has hooks. */
const mostBytes = 64 << 20

type Baselines = Readonly<Record<string, HookResult['baseline']>>

/** `kernelswap hooks run`: try hooks without a swap. */
export function hooksRunCommand(): Command {
  return new Verb('run')
    .summary('try the hooks of a unit without a swap')
    .description(
      'Calls every hook of a running unit with one word, as a swap would, and tells how each answered. Nothing else\n' +
        'happens. Exit code 0: all are fine or have nothing to say; 1: a veto, a difference, or a broken hook.',
    )
    .argument('<unit>', 'the service')
    .argument('<verb>', verbs.join(', '))
    .option('--baseline <file>', 'for verify: what `hooks run UNIT capture --json` printed')
    .option('--strict', 'as in a strict swap', false)
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  kernelswap hooks run redis-server capture --json >baseline\n' +
        '  kernelswap hooks run redis-server verify --baseline baseline',
    )
    .action(async (name: string, word: string, options: Options) => {
      const verb = knownVerb(word)
      if ((verb === 'verify') !== (options.baseline !== undefined))
        throw new Failure('usage', '--baseline FILE goes with verify, and verify needs it.')
      requireRoot()
      requireSystemd()
      const workload = await inspectWorkload(serviceName(name))
      const baselines = options.baseline === undefined ? {} : await readBaselines(options.baseline)
      const results = await untilInterrupted((signal) =>
        tryHooks(workload, verb, baselines, options.strict, signal),
      )
      createOutput(options).result(
        { schema: 'kernelswap.hooks-run/1', unit: workload.unit, verb, results },
        results.flatMap(resultText),
      )
      if (!results.every(({ outcome }) => outcome === 'ok' || outcome === 'silent')) process.exitCode = 1
    })
}

function knownVerb(word: string): Word {
  const verb = verbs.find((one) => one === word)
  if (verb) return verb
  throw new Failure(
    'usage',
    `A hook is never told ${JSON.stringify(word)}; it is one of ${verbs.join(', ')}.`,
  )
}

async function readBaselines(file: string): Promise<Baselines> {
  try {
    const { results } = baselineSchema.parse(parseJson(String(await readRegularFile(file, mostBytes))))
    return Object.fromEntries(results.map(({ hook, baseline }) => [hook, baseline]))
  } catch (error) {
    const why = error instanceof SyntaxError || error instanceof z.ZodError ? '' : ` (${messageOf(error)})`
    throw new Failure(
      'usage',
      `${file} holds no baselines${why}; \`kernelswap hooks run UNIT capture --json >FILE\` makes some.`,
    )
  }
}

async function tryHooks(
  { unit, mainPid, processes }: TaskTree,
  verb: Word,
  baselines: Baselines,
  strict: boolean,
  signal: AbortSignal,
): Promise<readonly HookResult[]> {
  if (processes.length === 0)
    throw new Failure('refused', `${unit} does not run; \`systemctl start ${unit}\` starts it.`)
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  const directory = await mkdtemp(join(paths.run, 'hooks-'))
  const situation: HookSituation = {
    swap: 'none',
    phase: 'trial',
    unit,
    mainPid,
    pids: processes.map(({ pid }) => pid),
    kernels: { from: runningKernel(), to: runningKernel() },
    directories: { swap: directory, output: directory },
    strict,
  }
  try {
    return await callHooks(verb, situation, { baselines, signal })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Longer baselines, such as a whole ABI snapshot, are for --json. */
const baselineWidth = 200

function resultText({ hook, outcome, seconds, reason, baseline, findings, stderr }: HookResult): string[] {
  const printed = baseline === undefined ? '' : JSON.stringify(baseline)
  const lines = [
    ...(printed === '' ? [] : [printed.length > baselineWidth ? `${printed.length} characters` : printed]),
    ...findings
      .filter(({ message }) => message !== reason)
      .map(({ level, message }) => `${level}: ${message}`),
    ...(stderr === undefined || stderr === reason ? [] : stderr.split('\n')),
  ]
  const told = reason === undefined ? '' : `: ${reason}`
  return [`${hook}: ${outcome}${told} (${seconds.toFixed(1)} s)`, ...lines.map((line) => `    ${line}`)]
}
