import * as z from 'zod'

/** What a hook is asked: see docs/hooks.md. */
export const verbs = ['check', 'capture', 'verify', 'aborted', 'settled'] as const
export type Verb = (typeof verbs)[number]

/** What every hook gets on standard input. */
export const hookContextSchema = z.object({
  schema: z.literal('kernelswap.hook-context/1'),
  swap: z.string(),
  verb: z.enum(verbs),
  /** The phase of the swap: check, freeze, verify, settle. */
  phase: z.string(),
  unit: z.string(),
  mainPid: z.number().int(),
  pids: z.array(z.number().int()),
  kernels: z.object({ from: z.string(), to: z.string() }),
  directories: z.object({ swap: z.string(), output: z.string() }),
  timeoutSeconds: z.number(),
  /** Memory, waiting bytes and registers are compared as well; the tasks are held stopped. */
  strict: z.boolean(),
  /** What `capture` printed; for `verify` only. */
  baseline: z.json().optional(),
})
export type HookContext = z.infer<typeof hookContextSchema>

/** What the caller knows; the rest of the context differs from call to call. */
export type HookSituation = Omit<HookContext, 'schema' | 'verb' | 'baseline' | 'timeoutSeconds'>

/** One line that `verify` prints. */
export const findingSchema = z.looseObject({
  message: z.string(),
  /** A `note` explains; a `difference`, the default, is what exit code 1 stands for. */
  level: z.enum(['difference', 'note']).default('difference'),
})
export type Finding = z.infer<typeof findingSchema>

/**
 * - `ok`: check found the workload ready, capture or verify did its work, verify found everything intact
 * - `veto`: check forbids the swap
 * - `differs`: verify found a difference
 * - `silent`: the hook has nothing to say to this verb
 * - `broken`: it didn't keep to the contract; what it wanted to say isn't known
 */
export type HookOutcome = 'ok' | 'veto' | 'differs' | 'silent' | 'broken'

export interface HookResult {
  /** `redis-server.service/50-redis`. */
  readonly hook: string
  readonly verb: Verb
  readonly outcome: HookOutcome
  /** One sentence, for every outcome but `ok` and `silent`. */
  readonly reason?: string
  /** What `capture` printed. */
  readonly baseline?: z.infer<ReturnType<typeof z.json>>
  readonly findings: readonly Finding[]
  /** The end of what it wrote to standard error, if it wrote anything. */
  readonly stderr?: string
  readonly seconds: number
}
