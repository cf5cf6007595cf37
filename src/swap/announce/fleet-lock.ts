import { createHmac } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import * as z from 'zod'
import type { FleetLockSettings } from '../../config/configuration.ts'
import { writeDurably } from '../../durable.ts'
import { Failure, ifMissing, messageOf } from '../../errors.ts'
import { NoAnswer, postJson } from '../../host/http.ts'
import { stateFile } from '../../layout.ts'
import { refuseLoose } from '../../ownership.ts'
import { paths } from '../../paths.ts'
import type { Verdict } from '../journal.ts'
import { openSwap, readReport } from '../store.ts'

// Client of the FleetLock protocol, as Zincati speaks it (coreos.github.io/zincati/development/fleetlock/protocol).

/** Seconds that a lock server may take: it answers at once whether there is a place, and a busy one within a few. */
const answerSeconds = 30

/**
 * On disk while this host may hold a place: before a server is asked, until that server has let us go. Places at several
 * servers where the configuration has changed meanwhile.
 */
const file = stateFile('fleet-lock')

const placeSchema = z.object({
  url: z.string(),
  group: z.string(),
  id: z.string(),
  /** The swap that it was taken for; undefined for one that never began, or a reboot. */
  swap: z.string().optional(),
})
type Place = z.infer<typeof placeSchema>

const answerSchema = z.object({ kind: z.string(), value: z.string() })

/**
 * Takes this host's place in its group; asking again while it is ours is no harm (the lock is recursive). A place that a
 * bad verdict has kept stays kept by that swap until `assignFleetLock` gives it to another one.
 * @throws Failure 'busy' while others have it, or where the server can't be asked.
 */
export async function takeFleetLock(settings: FleetLockSettings | undefined): Promise<void> {
  if (settings === undefined) return
  const wanted = await placeOf(settings)
  const places = await readPlaces()
  const before = places.find((place) => isSame(place, wanted))
  // What a crash leaves behind must be known, or the group would wait for ever.
  if (before === undefined) await save([...places, wanted])
  try {
    await post(wanted, 'pre-reboot')
  } catch (error) {
    if (before?.swap === undefined) await giveUp(wanted, error)
    throw new Failure(
      'busy',
      `The lock of group ${wanted.group} was not taken, so nothing was begun: ${messageOf(error)}; try again later.`,
      { cause: error },
    )
  }
}

async function placeOf({ url, group, id }: FleetLockSettings): Promise<Place> {
  return { url, group, id: id ?? (await hostId()) }
}

function isSame(one: Place, other: Place): boolean {
  return one.url === other.url && one.group === other.group && one.id === other.id
}

/** An answer may have been lost on its way here: a server that may have given us the place is told that we don't want it. */
async function giveUp(place: Place, error: unknown): Promise<void> {
  try {
    if (error instanceof NoAnswer && error.mayHaveArrived) await post(place, 'steady-state')
    await forget(place)
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
  const wanted = await placeOf(settings)
  if ((await readPlaces()).some((place) => isSame(place, wanted))) return
  await post(wanted, 'steady-state')
}

/**
 * Ties the places to a swap: its verdict says whether they are released. A way back leaves them to the swap that it comes
 * from, since going back well doesn't make that one good.
 */
export async function assignFleetLock(swap: string, isWayBack: boolean): Promise<void> {
  const places = await readPlaces()
  if (places.length === 0) return
  await save(places.map((place) => (isWayBack && place.swap !== undefined ? place : { ...place, swap })))
}

/**
 * Releases each place, at the server that gave it, once nothing stands against it: its swap ended well or was taken back, or
 * never began. After any other verdict it is kept, so that no other host goes the same way, and so it is where nobody can
 * tell any more how its swap ended. Does nothing where none is held.
 * @throws Failure 'busy' where a server can't be told; call it again.
 */
export async function releaseFleetLock(): Promise<void> {
  const failed: Failure[] = []
  for (const place of await readPlaces()) {
    if (!(await isDone(place))) continue
    try {
      await post(place, 'steady-state')
      await forget(place)
    } catch (error) {
      const why = `The lock of group ${place.group} could not be released: ${messageOf(error)}; \`kernelswap resume\` tries again.`
      failed.push(new Failure('busy', why, { cause: error }))
    }
  }
  if (failed[0]) throw failed[0]
}

async function isDone({ swap }: Place): Promise<boolean> {
  if (swap === undefined) return true
  try {
    const report = await readReport(await openSwap(swap))
    return report !== undefined && isReleasedBy(report.verdict)
  } catch (error) {
    if (error instanceof Failure && ['usage', 'mismatch'].includes(error.kind)) return false
    throw error
  }
}

/** An aborted swap leaves the host as it was. */
export function isReleasedBy(verdict: Verdict): boolean {
  return verdict === 'swapped' || verdict === 'aborted'
}

async function post({ url, group, id }: Place, what: 'pre-reboot' | 'steady-state'): Promise<void> {
  const address = `${url.replace(/\/+$/, '')}/v1/${what}`
  const { status, text } = await postJson(
    address,
    { client_params: { id, group } },
    { headers: { 'fleet-lock-protocol': 'true' }, timeoutSeconds: answerSeconds },
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

async function readPlaces(): Promise<Place[]> {
  refuseLoose(file)
  const text = await readFile(file, 'utf8').catch(ifMissing('[]'))
  try {
    // One alone was written without a list.
    return z.union([z.array(placeSchema), placeSchema.transform((place) => [place])]).parse(JSON.parse(text))
  } catch (error) {
    throw new Failure(
      'mismatch',
      `${file} is damaged: have the lock server let this host go, then remove it.`,
      { cause: error },
    )
  }
}

async function save(places: readonly Place[]): Promise<void> {
  if (places.length === 0) return rm(file, { force: true })
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  await writeDurably(file, `${JSON.stringify(places)}\n`)
}

async function forget(place: Place): Promise<void> {
  await save((await readPlaces()).filter((other) => !isSame(other, place)))
}

/** Unique to this host, and tells nobody its machine id (machine-id(5) asks for a keyed hash of it). */
async function hostId(): Promise<string> {
  const machine = (await readFile('/etc/machine-id', 'utf8')).trim()
  return createHmac('sha256', machine).update('kernelswap fleet-lock').digest('hex').slice(0, 32)
}
