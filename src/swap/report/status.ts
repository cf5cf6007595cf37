import * as z from 'zod'
import { verdictSchema } from '../journal.ts'
import { resumeFailureSchema } from '../resume-failure.ts'

const swapStatusSchema = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  /** In words: its verdict, the step it is at, or which file is damaged. */
  state: z.string(),
  /** The last step that was begun; null before the first one, and once there is a verdict. */
  step: z.object({ phase: z.string(), step: z.string() }).nullable(),
  /** Its services are back, and `kernelswap resume` has to finish it. */
  landed: z.boolean(),
  verdict: verdictSchema.nullable(),
  /** On disk: the checkpoint holds the memory of services. */
  bytes: z.number(),
})
export type SwapStatus = z.infer<typeof swapStatusSchema>

/** What is going on; what `status --json` prints. */
export const statusSchema = z.object({
  schema: z.literal('kernelswap.status/1'),
  kernel: z.string(),
  /** PID of the kernelswap that is at work. */
  busy: z.number().nullable(),
  bytes: z.number(),
  /** Of trial checkpoints, which are part of `bytes`. */
  trialBytes: z.number(),
  /** Why a swap waits for somebody; null where none does. */
  failure: resumeFailureSchema.nullable(),
  swaps: z.array(swapStatusSchema),
})
export type Status = z.infer<typeof statusSchema>
