import * as z from 'zod'
import {
  commandSchema,
  onRestoreFailureSchema,
  onVerifyFailureSchema,
  policySchema,
} from '../config/configuration.ts'
import { endingSchema } from '../workload/ending.ts'
import { networkMountSchema } from '../workload/network-mounts.ts'
import { obstacleSchema } from '../workload/obstacle.ts'
import { groupSchema } from './accounting.ts'
import { fallbackSchema } from './host/fallback.ts'

const workloadPlanSchema = z.object({
  unit: z.string(),
  policy: policySchema,
  onRestoreFailure: onRestoreFailureSchema,
  onVerifyFailure: onVerifyFailureSchema,
  /** ABI facets that may differ, with the reason. */
  tolerate: z.record(z.string(), z.string()),
  verdict: z.enum(['ready', 'refused']),
  /** What stands in the way; the first one is the one to mend first. */
  obstacles: z.array(obstacleSchema),
  mainPid: z.number(),
  controlGroup: z.string(),
  processes: z.number(),
  memoryBytes: z.number(),
  connections: z.number(),
  /** What will be other than before, though nothing is lost; a sentence each. */
  notes: z.array(z.string()).optional(),
  /** Why it is stopped and started instead of carried, where that was asked for whatever is refused. */
  notCarried: z.array(obstacleSchema).optional(),
  /** How long the trial checkpoint took; null where there was none. */
  trialSeconds: z.number().nullable(),
})
export type WorkloadPlan = z.infer<typeof workloadPlanSchema>

/** What a swap would do, and what stops it. Kept in the swap's directory as plan.json. */
export const planSchema = z.object({
  schema: z.literal('kernelswap.plan/1'),
  kernel: z.object({ from: z.string(), to: z.string() }),
  ready: z.boolean(),
  /** Verify with the restored tasks held stopped, so that nothing may have moved. */
  strict: z.boolean(),
  /** Swaps whose checkpoints stay on disk. */
  keep: z.number(),
  /** Timeout of the hardware watchdog while a new kernel comes up; 0 leaves it alone. */
  watchdogSeconds: z.number(),
  /** How long services may stand still before the jump, and for verification behind it, in seconds. */
  freezeSeconds: z.number().optional(),
  /** What stops it whatever the workloads. */
  host: z.array(obstacleSchema),
  workloads: z.array(workloadPlanSchema),
  /** Not there where something outside is known to start a good kernel. */
  fallback: fallbackSchema.optional(),
  /** Running services that nobody named: they are stopped before the jump and started behind it. */
  leftBehind: z.array(z.string()).optional(),
  /** Every group of processes of the host, each in one class. */
  groups: z.array(groupSchema).optional(),
  /** What is mounted from other hosts. */
  mounts: z.array(networkMountSchema).optional(),
  /** What is stopped in order before the jump, beside the units to be restarted. */
  endings: z.array(endingSchema).optional(),
  /** How long services are expected to stand still, and how many earlier swaps say so; null where none does. */
  outage: z.object({ seconds: z.number(), swaps: z.number() }).nullable().optional(),
  /** Whom the verdict is told. */
  announce: z
    .object({
      onSuccess: commandSchema,
      onFailure: commandSchema,
      metricsFile: z.string().optional(),
    })
    .optional(),
  /** The checkpoint is handed to somebody else before the jump. */
  evacuate: z.boolean().optional(),
  /** Where the checkpoint came from, if it wasn't a swap of this host that made it: nothing jumps. */
  bundle: z.object({ id: z.string(), host: z.string() }).optional(),
})
export type Plan = z.infer<typeof planSchema>

/** What the caller asked for. */
export interface Request {
  /** Empty: every running service that isn't platform. */
  readonly units: readonly string[]
  readonly kernel: string | undefined
  readonly restart: readonly string[]
  /** What can't be carried is stopped before and started after, too. */
  readonly restartRefused?: boolean
  /** What may end with the old kernel though something is lost by it: names, or those of classes. */
  readonly end?: readonly string[]
  readonly trial: boolean
  readonly strict: boolean
  /** Wait before the jump until the checkpoint is fetched. */
  readonly evacuate?: boolean
  /** It goes back to the kernel before: what was damaged stays as it is, or it would go on for ever. */
  readonly isWayBack?: boolean
  /** A swap is refused where services are expected to stand still for longer, in seconds. */
  readonly maxOutage?: number | undefined
}

/** Their names, in their order. */
export function unitsOf(workloads: readonly Pick<WorkloadPlan, 'unit'>[]): string[] {
  return workloads.map(({ unit }) => unit)
}

/** The workloads of a plan that come along. */
export function preserved(plan: Plan): WorkloadPlan[] {
  return plan.workloads.filter(({ policy }) => policy === 'preserve')
}

/** The workloads of a plan that are stopped before and started after. */
export function restarted(plan: Plan): WorkloadPlan[] {
  return plan.workloads.filter(({ policy }) => policy === 'restart')
}
