import { z } from 'zod'

/** How a swap went; what `report --json` prints. */
export const reportSchema = z.object({
  schema: z.literal('kernelswap.report/1'),
  id: z.string(),
  verdict: z.enum(['swapped', 'aborted', 'fell-back', 'degraded', 'failed']),
  /** Why the verdict isn't `swapped`; null where it is. */
  reason: z.string().nullable(),
  kernel: z.object({ from: z.string(), to: z.string(), running: z.string() }),
  workloads: z.array(
    z.object({
      unit: z.string(),
      policy: z.enum(['preserve', 'restart', 'ignore']),
      outcome: z.enum(['preserved', 'cold', 'lost']),
      pid: z.object({ before: z.number(), after: z.number() }),
      reason: z.string().nullable(),
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
  timeline: z.array(z.object({ phase: z.string(), seconds: z.number() })),
})

export type Report = z.infer<typeof reportSchema>
