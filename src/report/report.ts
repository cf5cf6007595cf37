import * as z from 'zod'

const differenceSchema = z.object({ task: z.string(), facet: z.string(), line: z.string() })

/** What comparing a workload's ABI came to. */
export const abiSchema = z.object({
  strict: z.boolean(),
  facets: z.object({
    equal: z.number(),
    explained: z.number(),
    differing: z.number(),
    unverified: z.number(),
  }),
  differences: z.array(differenceSchema),
  /** Differences that the configuration accepts, with its reason. */
  tolerated: z.array(differenceSchema.extend({ reason: z.string() })).default([]),
  explained: z.array(z.object({ facet: z.string(), reason: z.string() })),
  unverified: z.array(z.object({ facet: z.string(), reason: z.string() })),
  /** Names of facets that are as they were. */
  equal: z.array(z.string()).exactOptional(),
})

/** When something was done: seconds since the swap began, and how long it took. */
const spanSchema = z.object({ from: z.number(), seconds: z.number() })
export type Span = z.infer<typeof spanSchema>

const hookSchema = z.object({
  hook: z.string(),
  outcome: z.enum(['ok', 'differs', 'silent', 'broken']),
  /** Null where it is fine or has nothing to say. */
  reason: z.string().nullable(),
  /** The end of what it wrote to standard error. */
  output: z.string().exactOptional(),
  findings: z.array(z.looseObject({ level: z.enum(['difference', 'note']), message: z.string() })),
})

export const outcomeSchema = z.enum(['preserved', 'cold', 'lost', 'ignored'])

/** How a swap went; what `report --json` prints. */
export const reportSchema = z.object({
  schema: z.literal('kernelswap.report/1'),
  id: z.string(),
  verdict: z.enum(['swapped', 'restored', 'aborted', 'fell-back', 'degraded', 'failed']),
  /** Why the verdict isn't `swapped` or `restored`; null where it is. */
  reason: z.string().nullable(),
  kernel: z.object({ from: z.string(), to: z.string(), running: z.string() }),
  workloads: z.array(
    z.object({
      unit: z.string(),
      policy: z.enum(['preserve', 'restart', 'ignore']),
      /** `ignored`: nothing was done about it, and nobody looked what became of it. */
      outcome: outcomeSchema,
      /** `after` is 0 where nobody knows. */
      pid: z.object({ before: z.number(), after: z.number() }),
      reason: z.string().nullable(),
      /** What the comparison of ABI snapshots came to; null where there was none. */
      abi: abiSchema.nullable(),
      /** What hooks found when it was back; empty where they were not asked. */
      hooks: z.array(hookSchema).default([]),
      /** CRIU's work on it, by its logs. */
      dump: spanSchema.exactOptional(),
      restore: spanSchema.exactOptional(),
    }),
  ),
  clients: z
    .array(
      z.object({
        service: z.string(),
        connectionSurvived: z.boolean(),
        requests: z.number(),
        errors: z.number(),
        lost: z.number(),
        doubled: z.number(),
        gapSeconds: z.number(),
        problem: z.string().nullable(),
      }),
    )
    .optional(),
  /** What the time between the gate and the jump went into, each step with its share; empty where there was no jump. */
  freeze: z.array(z.object({ step: z.string(), seconds: z.number(), share: z.number() })).default([]),
  /** Everything that was done, in order, with what the landing noted and the new kernel's own start. */
  steps: z.array(spanSchema.extend({ phase: z.string(), step: z.string() })).exactOptional(),
  timeline: z.array(z.object({ phase: z.string(), seconds: z.number() })),
  /** How long services stood still, and how long the plan had expected; null where they never did, or nobody knew. */
  outage: z.object({ seconds: z.number(), predicted: z.number().nullable() }).nullable().default(null),
})

export type Report = z.infer<typeof reportSchema>
