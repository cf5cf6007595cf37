import * as z from 'zod'
import { failureKinds } from '../errors.ts'
import { parseJson } from '../json.ts'
import { outcomeSchema, reportSchema } from '../report/report.ts'
import { planSchema } from './plan.ts'

const schema = z.literal('kernelswap.event/1')

function eventOf<K extends string, S extends z.ZodRawShape>(kind: K, shape: S) {
  return z.object({ schema, host: z.string().optional(), kind: z.literal(kind), ...shape })
}

/** What `--events` prints, a line each: docs/json.md says when. */
export const eventSchema = z.discriminatedUnion('kind', [
  eventOf('message', { text: z.string() }),
  eventOf('question', { text: z.string() }),
  eventOf('plan', { plan: planSchema }),
  eventOf('step', {
    phase: z.string(),
    step: z.string(),
    /** Since the swap began. */
    seconds: z.number().optional(),
    /** The running one, where somebody looks from elsewhere. */
    kernel: z.string().optional(),
  }),
  eventOf('undo', { step: z.string() }),
  /** Long work that is done unit by unit: which one it is at, or is done with where all are worked on at once. */
  eventOf('unit', { step: z.string(), unit: z.string(), number: z.number(), of: z.number() }),
  eventOf('progress', { step: z.string(), bytes: z.number(), of: z.number(), seconds: z.number() }),
  eventOf('workload', { unit: z.string(), outcome: outcomeSchema, reason: z.string().nullable() }),
  eventOf('report', { report: reportSchema }),
  eventOf('prediction', {
    prediction: z.looseObject({ schema: z.literal('kernelswap.prediction/1') }),
  }),
  eventOf('failure', { failure: z.enum(failureKinds), exitCode: z.number(), message: z.string() }),
])

type Bare<T> = T extends unknown ? Omit<T, 'schema' | 'host'> : never
/** What each of their lines says that it is. */
export type EventVersion = z.infer<typeof schema>
/** Something that happens to a swap, to whoever looks. */
export type SwapEvent = Bare<z.infer<typeof eventSchema>>
/** Is told what happens, as it does. */
export type Tell = (event: SwapEvent) => void

/** Counts units as they are named, and tells of each. */
export function unitTeller(step: string, of: number, tell: Tell): (unit: string) => void {
  let number = 0
  return (unit) => {
    number += 1
    tell({ kind: 'unit', step, unit, number, of })
  }
}

/** The event that a verb ends with. */
export type Conclusion = Extract<SwapEvent, { readonly kind: 'plan' | 'report' | 'prediction' }>

/** True for what a verb ends with: a plan goes on, unless it is refused. */
export function isConclusion(event: SwapEvent): event is Conclusion {
  return (
    event.kind === 'report' || event.kind === 'prediction' || (event.kind === 'plan' && !event.plan.ready)
  )
}

/** What another program says in a line. What is no event is for people to read. */
export function readEvent(line: string): SwapEvent {
  try {
    const { schema: _, host: __, ...event } = eventSchema.parse(parseJson(line))
    return event as SwapEvent
  } catch {
    return { kind: 'message', text: line }
  }
}
