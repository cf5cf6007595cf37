import { createHmac } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { FleetLockSettings } from '../config/configuration.ts'
import { writeDurably } from '../durable.ts'
import { Failure, ifMissing, messageOf } from '../errors.ts'
import { NoAnswer, postJson } from '../host/http.ts'
import { paths } from '../paths.ts'
import type { Verdict } from './journal.ts'
import { openSwap, readReport } from './store.ts'

// Client of the FleetLock protocol, as Zincati speaks it (coreos.github.io/zincati/development/fleetlock/protocol).

/** Seconds that a lock server may take. */
const patience = 30

/** On disk while this host may hold a place in its group: before the server is asked, until it has let us go. */
const file = join(paths.state, 'fleet-lock')

const heldSchema = z.object({
  url: z.string(),
  group: z.string(),
  id: z.string(),
  /** The swap that it was taken for; undefined for one that never began, or a reboot. */
  swap: z.string().optional(),
})
type Held = z.infer<typeof heldSchema>

const answerSchema = z.object({ kind: z.string(), value: z.string() })

/**
 * Takes this host's place in its group; asking again while it is ours is no harm (the lock is recursive). A place that a
 * bad verdict has kept stays kept by that swap until `assignFleetLock` gives it to another one.
 * @throws Failure 'busy' while others have it, or where the server can't be asked.
 */
export async function takeFleetLock(settings: FleetLockSettings | undefined): Promise<void> {
  if (settings === undefined) return
  const { url, group } = settings
  const held = { url, group, id: settings.id ?? (await hostId()) }
  const before = await readHeld()
  // What a crash leaves behind must be known, or the group would wait for ever.
  if (before === undefined) await save(held)
  try {
    await ask(held, 'pre-reboot')
  } catch (error) {
    if (before?.swap === undefined) await giveUp(held, error)
    throw new Failure(
      'busy',
      `The lock of group ${group} was not taken, so nothing was begun: ${messageOf(error)}; try again later.`,
      { cause: error },
    )
  }
}

/** An answer may have been lost on its way here: a server that may have given us the place is told that we don't want it. */
async function giveUp(held: Held, refusal: unknown): Promise<void> {
  try {
    if (refusal instanceof NoAnswer && refusal.mayHaveArrived) await ask(held, 'steady-state')
    await rm(file, { force: true })
  } catch {
    // Still on disk: whoever releases next tries again.
  }
}

/**
 * Asks the server whether it takes us for one of the group, by giving back a place that we don't have. While we have one
 * nothing is asked.
 * @throws Error where it can't be asked, or doesn't want us.
 */
export async function tryFleetLock(settings: FleetLockSettings): Promise<void> {
  if ((await readHeld()) !== undefined) return
  const { url, group } = settings
  await ask({ url, group, id: settings.id ?? (await hostId()) }, 'steady-state')
}

/**
 * Ties the place to a swap: its verdict says whether it is released. A way back leaves it to the swap that it comes from,
 * since going back well doesn't make that one good.
 */
export async function assignFleetLock(swap: string, isWayBack: boolean): Promise<void> {
  const held = await readHeld()
  if (held === undefined || (isWayBack && held.swap !== undefined)) return
  await save({ ...held, swap })
}

/**
 * Releases the place once nothing stands against it: its swap ended well or was taken back, or never began. After any
 * other verdict it is kept, so that no other host goes the same way. Does nothing where none is held.
 * @throws Failure 'busy' where the server can't be told; call it again.
 */
export async function releaseFleetLock(): Promise<void> {
  const held = await readHeld()
  if (held === undefined) return
  if (held.swap !== undefined) {
    const report = await readReport(await openSwap(held.swap))
    if (report === undefined || !isReleasedBy(report.verdict)) return
  }
  try {
    await ask(held, 'steady-state')
  } catch (error) {
    throw new Failure(
      'busy',
      `The lock of group ${held.group} could not be released: ${messageOf(error)}; \`kernelswap resume\` tries again.`,
      { cause: error },
    )
  }
  await rm(file, { force: true })
}

/** An aborted swap leaves the host as it was. */
export function isReleasedBy(verdict: Verdict): boolean {
  return verdict === 'swapped' || verdict === 'aborted'
}

async function ask({ url, group, id }: Held, what: 'pre-reboot' | 'steady-state'): Promise<void> {
  const address = `${url.replace(/\/+$/, '')}/v1/${what}`
  const { status, text } = await postJson(
    address,
    { client_params: { id, group } },
    { headers: { 'fleet-lock-protocol': 'true' }, timeoutSeconds: patience },
  )
  if (status === 200) return
  throw new Error(`${address} answers ${status}${reasonIn(text)}`)
}

/** Servers say why in JSON; what stands before one may say anything. */
function reasonIn(text: string): string {
  try {
    const { kind, value } = answerSchema.parse(JSON.parse(text))
    return ` (${kind}: ${value})`
  } catch {
    return ''
  }
}

async function readHeld(): Promise<Held | undefined> {
  const text = await readFile(file, 'utf8').catch(ifMissing(undefined))
  return text === undefined ? undefined : heldSchema.parse(JSON.parse(text))
}

async function save(held: Held): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  await writeDurably(file, `${JSON.stringify(held)}\n`)
}

/** Unique to this host, and tells nobody its machine id (machine-id(5) asks for a keyed hash of it). */
async function hostId(): Promise<string> {
  const machine = (await readFile('/etc/machine-id', 'utf8')).trim()
  return createHmac('sha256', machine).update('kernelswap fleet-lock').digest('hex').slice(0, 32)
}
