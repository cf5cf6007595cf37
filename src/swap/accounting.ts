import { setTimeout } from 'node:timers/promises'
import * as z from 'zod'
import { suffixed } from '../tools/unit-name.ts'
import {
  type Account,
  accountForAll,
  type GroupClass,
  groupClasses,
  type Wishes,
} from '../workload/account.ts'
import { type Ending, endingsOf } from '../workload/ending.ts'
import type { HostProcess } from '../workload/host-process.ts'
import { type NetworkMount, networkMounts, obstacleOfMount } from '../workload/network-mounts.ts'
import type { Obstacle, ObstacleCode } from '../workload/obstacle.ts'

/** What a plan says of a group of processes. */
export const groupSchema = z.object({
  /** The systemd unit, or the control group where it is no unit's. */
  name: z.string(),
  controlGroup: z.string(),
  class: z.enum(groupClasses),
  why: z.string(),
  processes: z.number(),
  /** What ends with a loss; null where nothing does. */
  loses: z.string().nullable(),
  /** Somebody has agreed to that. */
  isAgreed: z.boolean(),
  /** kernelswap was started from it. */
  isOurs: z.boolean(),
})
export type PlannedGroup = z.infer<typeof groupSchema>

/** What all processes of the host come to. */
export interface Accounting {
  readonly groups: PlannedGroup[]
  readonly mounts: NetworkMount[]
  /** Losses that nobody has agreed to. */
  readonly obstacles: Obstacle[]
  /** What is stopped in order before the jump. */
  readonly endings: Ending[]
}

/** True for what somebody has agreed to end: by its name, its unit's, or that of its class. */
export type Agreed = (of: {
  readonly name: string
  readonly unit: string
  readonly class?: GroupClass
}) => boolean

/** Reads the words of `--end` and of the setting. A name without a suffix is a service's, as systemctl(1) has it. */
export function agreementOf(words: readonly string[]): Agreed {
  const names = new Set(words.flatMap((word) => [word, ...(suffixed.test(word) ? [] : [`${word}.service`])]))
  return (of) => [of.name, of.unit, of.class ?? ''].some((name) => name !== '' && names.has(name))
}

/** Accounts for every process of the host. */
export async function account(wishes: Wishes, agreed: Agreed, signal?: AbortSignal): Promise<Accounting> {
  const isInTheWay = (one: Account) => one.lost.length > 0 && !agreed(one)
  const accounts = await whatLasts(() => accountForAll(wishes), isInTheWay, signal)
  const { decided } = wishes
  const carried = new Set([...decided].flatMap(([unit, policy]) => (policy === 'preserve' ? [unit] : [])))
  const ended = accounts.flatMap((one) => {
    const isLeft = one.class === 'restarted' && !decided.has(one.unit)
    if (isLeft) return [{ ...one, comesBack: !agreed(one) }]
    return one.lost.length > 0 && agreed(one) ? [{ ...one, comesBack: comesBack(one) }] : []
  })
  const mounts = await networkMounts()
  const [unmounted, inTheWay] = split(
    mounts.filter(({ comesBack }) => !comesBack),
    ({ unit }) => agreed({ name: unit, unit }),
  )
  return {
    groups: accounts.map((one) => planned(one, agreed)),
    mounts,
    obstacles: [...accounts.filter(isInTheWay).map(obstacleOf), ...inTheWay.map(obstacleOfMount)],
    endings: [
      ...(await endingsOf(ended, accounts, carried)),
      ...unmounted.map(({ unit }): Ending => ({ unit, starts: 'never', tasks: [] })),
    ],
  }
}

function split<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))]
}

/** A container that a service of the host's own runs, as systemd-nspawn@ does. */
function comesBack({ class: kind, unit, ofUser }: Account): boolean {
  return kind === 'container' && unit.endsWith('.service') && ofUser === undefined
}

/** Looks so often, with such a pause in milliseconds, before something is called a loss: a job or a remote command passes by. */
const [looks, pause] = [5, 1000]

/** Accounts whose losses are there each time that somebody looks. */
export async function whatLasts(
  look: () => Promise<Account[]>,
  isInTheWay: (one: Account) => boolean,
  signal?: AbortSignal,
  milliseconds = pause,
): Promise<Account[]> {
  let accounts = await look()
  for (let left = looks - 1; left > 0 && accounts.some(isInTheWay); left -= 1) {
    await setTimeout(milliseconds, undefined, signal ? { signal } : {})
    const before = new Set(accounts.flatMap(({ lost }) => lost.map(identity)))
    accounts = (await look()).map((one) => ({
      ...one,
      lost: one.lost.filter((task) => before.has(identity(task))),
    }))
  }
  return accounts
}

function identity({ pid, startTime }: HostProcess): string {
  return `${pid} ${startTime}`
}

function planned(one: Account, agreed: Agreed): PlannedGroup {
  return {
    name: one.name,
    controlGroup: one.controlGroup,
    class: one.class,
    why: one.why,
    processes: one.processes.length,
    loses: one.lost.length === 0 ? null : programsOf(one),
    isAgreed: agreed(one),
    isOurs: one.isOurs,
  }
}

const codes: Partial<Record<GroupClass, ObstacleCode>> = {
  session: 'open-session',
  container: 'running-container',
}

function obstacleOf(one: Account): Obstacle {
  return {
    code: codes[one.class] ?? 'unknown-processes',
    reason: `${one.name} ${one.why}, and ends with the old kernel: ${programsOf(one)}`,
    remedy: `end it, or --end ${one.name}`,
  }
}

/** Programs that are told by name; the others are like them. */
const mostPrograms = 3

function programsOf({ lost }: Pick<Account, 'lost'>): string {
  const told = lost.slice(0, mostPrograms).map(({ name, pid }) => `${name} (PID ${pid})`)
  const more = lost.length > mostPrograms ? [`${lost.length - mostPrograms} more`] : []
  return [...told, ...more].join(', ')
}
