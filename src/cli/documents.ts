import * as z from 'zod'
import type { AbiResult } from '../abi/diff.ts'
import type { Snapshot } from '../abi/snapshot.ts'
import { bundleIndexSchema } from '../archive/bundle.ts'
import type { HookResult } from '../hooks/types.ts'
import { findingSchema, verbs } from '../hooks/types.ts'
import type { KernelComparison } from '../kernel/comparison.ts'
import { predictionSchema } from '../rehearsal/like/prediction.ts'
import { abiSchema, reportSchema } from '../report/report.ts'
import { eventSchema } from '../swap/event.ts'
import type { KernelList } from '../swap/host/kernel-list.ts'
import { verdictSchema } from '../swap/journal.ts'
import { planSchema } from '../swap/plan.ts'
import { statusSchema } from '../swap/report/status.ts'
import { obstacleSchema } from '../workload/obstacle.ts'

/** What `kernels --json` prints. */
const kernelsSchema: z.ZodType<KernelList> = z.object({
  schema: z.literal('kernelswap.kernels/1'),
  running: z.string(),
  kernels: z.array(
    z.object({
      release: z.string(),
      running: z.boolean(),
      default: z.boolean(),
      newest: z.boolean(),
      target: z.boolean(),
      obstacles: z.array(obstacleSchema),
      swaps: z.array(z.object({ id: z.string(), verdict: verdictSchema })),
    }),
  ),
  host: z.array(obstacleSchema),
  unknownDefault: z.string().nullable(),
})

const names = z.array(z.string())
const kernelNameSchema = z.object({ release: z.string(), version: z.string().nullable() })
const typeSchema = z.object({ name: z.string(), source: z.string() })

/** What `kernels diff --json` prints. */
const kernelsDiffSchema: z.ZodType<KernelComparison> = z.object({
  schema: z.literal('kernelswap.kernels-diff/1'),
  from: kernelNameSchema,
  to: kernelNameSchema,
  changelog: z.object({ fixes: z.number(), cves: names, lostFixes: z.number(), lostCves: names }).nullable(),
  layout: z.enum(['same', 'padding', 'changed']).nullable(),
  types: z
    .object({
      compared: z.number(),
      records: z.array(
        typeSchema.extend({
          effect: z.enum(['changed', 'carried', 'padding', 'names']),
          bytes: z.number(),
          size: z.number(),
          added: names,
          removed: names,
          moved: names,
          retyped: names,
          renamed: names,
        }),
      ),
      enumerations: z.array(
        typeSchema.extend({ added: names, removed: names, renumbered: names, bytes: z.number() }),
      ),
      exports: z
        .object({
          changed: z.array(typeSchema.extend({ before: z.string(), after: z.string() })),
          added: names,
          removed: names,
        })
        .nullable(),
    })
    .nullable(),
  options: names.nullable(),
  notes: names,
})

const doctorSchema = z.object({
  schema: z.literal('kernelswap.doctor/1'),
  ready: z.boolean(),
  requirements: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      problems: z.array(
        z.object({ code: obstacleSchema.shape.code, problem: z.string(), remedy: z.string() }),
      ),
    }),
  ),
})
/** What `doctor --json` prints. */
export type Doctor = z.infer<typeof doctorSchema>

const adoptSchema = z.object({
  schema: z.literal('kernelswap.adopt/1'),
  unit: z.string(),
  settings: z.array(z.object({ setting: z.string(), givesUp: z.string() })),
  restarted: z.boolean(),
})
/** What `adopt --json` prints. */
export type Adopted = z.infer<typeof adoptSchema>

const adoptAllSchema = z.object({
  schema: z.literal('kernelswap.adopt-all/1'),
  units: z.array(adoptSchema.pick({ unit: true, settings: true })),
  restarted: z.boolean(),
})
/** What `adopt --all --json` prints. */
export type AdoptedAll = z.infer<typeof adoptAllSchema>

const scheduleSchema = z.object({
  schema: z.literal('kernelswap.schedule/1'),
  isActive: z.boolean(),
  calendars: names,
  command: z.string(),
  /** As systemd writes times; null where there is or was none. */
  next: z.string().nullable(),
  last: z.string().nullable(),
  /** Of the last run: `success`, or `exit-code` and what that was; the journal tells why. */
  result: z.object({ word: z.string(), exitCode: z.number() }).nullable(),
})
/** The schedule as systemd has it; what `schedule show --json` prints. */
export type ShownSchedule = z.infer<typeof scheduleSchema>

const configurationSchema = z.object({
  schema: z.literal('kernelswap.configuration/1'),
  settings: z.array(
    z.object({
      key: z.string(),
      /** Tables and key. */
      path: names,
      value: z.json(),
      /** Null for a default. */
      file: z.string().nullable(),
      line: z.number().nullable(),
    }),
  ),
})
/** What `config show --json` prints. */
export type ShownConfiguration = z.infer<typeof configurationSchema>

const hooksSchema = z.object({
  schema: z.literal('kernelswap.hooks/1'),
  hooks: z.array(
    z.object({
      hook: z.string(),
      state: z.enum(['ready', 'refused', 'masked']),
      /** Null for what is built in. */
      path: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
})
/** What `hooks list --json` prints. */
export type ShownHooks = z.infer<typeof hooksSchema>

const hookResultSchema = z.object({
  hook: z.string(),
  verb: z.enum(verbs),
  outcome: z.enum(['ok', 'veto', 'differs', 'silent', 'broken']),
  reason: z.string().exactOptional(),
  baseline: z.json().exactOptional(),
  findings: z.array(findingSchema),
  stderr: z.string().exactOptional(),
  seconds: z.number(),
}) satisfies z.ZodType<HookResult>

/** What `hooks run --json` prints. */
const hooksRunSchema = z.object({
  schema: z.literal('kernelswap.hooks-run/1'),
  unit: z.string(),
  verb: z.enum(verbs),
  results: z.array(hookResultSchema),
})

const readingsSchema = z.record(
  z.string(),
  z.union([z.object({ value: z.json() }), z.object({ unverified: z.string() })]),
)

/** What `snapshot` prints. What each reading holds is its facet's own business. */
export const snapshotSchema = z.object({
  schema: z.literal('kernelswap.snapshot/1'),
  takenAt: z.iso.datetime(),
  heldSince: z.iso.datetime().exactOptional(),
  kernel: z.string(),
  bootId: z.string(),
  strict: z.boolean(),
  milliseconds: z.number(),
  tasks: z.array(
    z.object({
      pid: z.number(),
      comm: z.string(),
      facets: readingsSchema,
      threads: z.array(z.object({ tid: z.number(), facets: readingsSchema })),
    }),
  ),
  workload: readingsSchema,
}) satisfies z.ZodType<Snapshot>

/** What `diff --json` prints. */
const diffSchema: z.ZodType<AbiResult> = abiSchema.extend({ schema: z.literal('kernelswap.abi/1') })

const restoreSchema = z.object({ schema: z.literal('kernelswap.restore/1'), id: z.string() })

/** Every document that a verb prints, and events, by kind and version: the package has their JSON schemas. */
export const documents: Readonly<Record<string, z.ZodType>> = {
  'abi/1': diffSchema,
  'adopt/1': adoptSchema,
  'adopt-all/1': adoptAllSchema,
  'bundle/2': bundleIndexSchema,
  'configuration/1': configurationSchema,
  'doctor/1': doctorSchema,
  'event/1': eventSchema,
  'hooks-run/1': hooksRunSchema,
  'hooks/1': hooksSchema,
  'kernels-diff/1': kernelsDiffSchema,
  'kernels/1': kernelsSchema,
  'plan/1': planSchema,
  'prediction/1': predictionSchema,
  'report/1': reportSchema,
  'restore/1': restoreSchema,
  'schedule/1': scheduleSchema,
  'snapshot/1': snapshotSchema,
  'status/1': statusSchema,
}
