import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleIndex, readBundleIndex, unpackBundle } from '../archive/bundle.ts'
import { checkArchive } from '../archive/check.ts'
import { manifestLines, manifestName } from '../archive/manifest.ts'
import { loadConfiguration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'
import { sealLanding, writeLanding, writeLandingGate } from '../landing/landing.ts'
import { type AddressBook, readAddresses } from '../network/addresses.ts'
import { paths } from '../paths.ts'
import type { Report } from '../report/report.ts'
import { syncFileSystem } from '../tools/sync.ts'
import { awaitUnits, daemonReload, showUnit, stopUnitsAlone } from '../tools/systemd.ts'
import { inspectService } from '../workload/service.ts'
import { bundleObstacles } from './bundle-fit.ts'
import { Journal } from './journal.ts'
import { runningKernel } from './kernels.ts'
import { type Plan, planSchema, preserved } from './plan.ts'
import { findPending, resume } from './resume.ts'
import { adoptSwap, bootId, checkpointDirectory, readReport, type Swap } from './store.ts'

/** What is asked of the restore of a bundle. */
export interface RestoreRequest {
  readonly file: string
  /** The next boot restores, before it has given out any PID that the checkpoint needs. */
  readonly atReboot: boolean
  /** Asked once this host is known to be able to; what it throws ends the restore, and nothing was touched. */
  readonly agree: (index: BundleIndex) => Promise<void>
  /** Ends it until units are stopped. */
  readonly signal: AbortSignal
}

/** Where a bundle is unpacked; what a crash leaves there the next restore removes. */
const unpacked = join(paths.state, 'unpacked')

/**
 * Brings a bundle to where the landing takes over: its checkpoints are on disk and sealed, as if a boot before this one
 * had taken them. Its units are stopped, unless the next boot is to restore.
 * @returns the swap that `land` goes on with, or the next boot
 * @throws Failure 'failed' for a bundle that is refused, and nothing of it stays; 'refused' where this host can't take it.
 */
export async function stageBundle({ file, atReboot, agree, signal }: RestoreRequest): Promise<Swap> {
  await refuseIfPending()
  const index = await readBundleIndex(file)
  refuseUnlessComplete(index)
  await refuseIfUnfit(index, atReboot)
  await agree(index)
  await rm(unpacked, { recursive: true, force: true })
  try {
    await mkdir(unpacked, { recursive: true, mode: 0o700 })
    const plan = await unpack(file, index, signal)
    const here = await planHere(plan, index)
    signal.throwIfAborted()
    return await stage(here, atReboot)
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
}

/**
 * Lands a staged bundle: by the units that a boot lands by, so that it goes on whatever becomes of us.
 * @throws Failure 'operator' where a unit could not be restored and everything waits for a decision.
 */
export async function landBundle(swap: Swap): Promise<Report> {
  const settle = 'kernelswap-settle.service'
  await awaitUnits(['kernelswap-land.service', settle])
  const report = await readReport(swap)
  if (report) return report
  const { ExecMainStatus } = await showUnit(settle, ['ExecMainStatus'])
  throw new Failure(
    ExecMainStatus === '5' ? 'operator' : 'failed',
    `The restore has no verdict yet: \`journalctl -u ${settle}\` tells why, \`kernelswap resume\` goes on, \`kernelswap abandon\` starts cold what is not back.`,
  )
}

async function refuseIfPending(): Promise<void> {
  const pending = await findPending()
  if (!pending || pending.decision.kind === 'nothing') return
  throw new Failure(
    'refused',
    `Swap ${pending.swap.id} has no verdict yet; finish it first: \`kernelswap resume\`, or \`kernelswap abandon\`.`,
  )
}

/** Files of each checkpoint that the landing can't do without. */
const needed = [manifestName, 'main-pid', 'on-restore-failure', 'images/restore.conf']

/** Everything that a landing reads must be there, and nothing that it would take for its own doing. */
function refuseUnlessComplete({ schema, units, files }: BundleIndex): void {
  if (schema === 'kernelswap.bundle/1')
    throw unusable('it was made by a kernelswap that could not restore one')
  if (units.length === 0) throw unusable('it holds no unit')
  const odd = units.find((unit) => !/^[\w:.\\@-]+\.service$/.test(unit))
  if (odd !== undefined) throw unusable(`${JSON.stringify(odd)} is no name of a service`)
  const names = new Set(files.map(({ name }) => name))
  const checkpoints = units.map((unit) => `workloads/${unit}/`)
  const wanted = checkpoints.flatMap((checkpoint) => needed.map((name) => checkpoint + name))
  const missing = ['plan.json', 'landing/last-pid', 'landing/gate.nft', ...wanted].find(
    (name) => !names.has(name),
  )
  if (missing !== undefined) throw unusable(`it has no ${missing}`)
  const own = ['landing/', ...checkpoints]
  const strange = [...names].find(
    (name) => name !== 'plan.json' && !own.some((part) => name.startsWith(part)),
  )
  if (strange !== undefined)
    throw unusable(`it holds ${JSON.stringify(strange)}, which belongs to no unit of it`)
}

async function refuseIfUnfit(index: BundleIndex, atReboot: boolean): Promise<void> {
  const obstacles = await bundleObstacles(index, atReboot)
  if (obstacles.length === 0) return
  const all = obstacles.map(({ reason, remedy }) => `${reason} (${remedy})`)
  throw new Failure('refused', `This host cannot take the bundle: ${all.join('; ')}.`)
}

/** Unpacks a bundle whole, and returns its plan. */
async function unpack(file: string, index: BundleIndex, signal: AbortSignal): Promise<Plan> {
  const found = await unpackBundle(file, unpacked, signal)
  if (JSON.stringify(found) !== JSON.stringify(index)) throw unusable('it changed while it was read')
  const sums = new Map(found.files.map(({ name, sha256 }) => [name, sha256]))
  for (const unit of found.units) await refuseUnlessSealed(join('workloads', unit), sums)
  const plan = planSchema.safeParse(JSON.parse(await readFile(join(unpacked, 'plan.json'), 'utf8')))
  if (!plan.success) throw unusable('its plan is of another kernelswap')
  const carried = preserved(plan.data).map(({ unit }) => unit)
  if (carried.join() !== found.units.join()) throw unusable('its plan has other units')
  return plan.data
}

/** Its seal must name what came, and its archives must stay where they are unpacked: the landing refuses what doesn't. */
async function refuseUnlessSealed(checkpoint: string, sums: ReadonlyMap<string, string>): Promise<void> {
  const lines = await manifestLines(join(unpacked, checkpoint))
  const broken = lines.find(({ name, sha256 }) => sums.get(join(checkpoint, name)) !== sha256)
  if (broken) throw unusable(`the seal of ${join(checkpoint, broken.name)} is of another file`)
  const archives = ['host.tar', 'private.tar'].filter((name) => sums.has(join(checkpoint, name)))
  for (const name of archives) await checkArchive(join(unpacked, checkpoint, name))
}

/** A bundle's plan as this host goes on with it: its own kernel and settings, and no way back. */
async function planHere(plan: Plan, { id, host, kernel }: BundleIndex): Promise<Plan> {
  const { fallback, leftBehind, outage, evacuate, ...kept } = plan
  const configuration = await loadConfiguration()
  return {
    ...kept,
    kernel: { from: kernel.from, to: runningKernel() },
    keep: configuration.keep,
    watchdogSeconds: 0,
    workloads: preserved(plan),
    announce: {
      onSuccess: configuration['on-success'],
      onFailure: configuration['on-failure'],
      metricsFile: configuration['metrics-file'],
    },
    bundle: { id, host },
  }
}

/**
 * From here on a swap is pending, and `kernelswap resume` finishes it after a crash. What the next boot restores this
 * one staged, and takes back; what this boot restores comes, for journal and landing, from another.
 */
async function stage(plan: Plan, atReboot: boolean): Promise<Swap> {
  const boot = atReboot ? await bootId() : 'bundle'
  const swap = await adoptSwap(plan, unpacked)
  await new Journal(swap.directory, boot, plan.kernel.from).append({
    ...{ kind: 'step', phase: 'restore', step: 'write-landing' },
  })
  try {
    if (!atReboot) await stopUnitsAlone(units(plan))
    const addresses = await readAddresses()
    await writeLandingOf(swap, boot, atReboot ? addresses : { ...addresses, arrive: addresses.shorten })
    await syncFileSystem(swap.directory)
    await sealLanding()
    // Has the generator hand out the drop-ins, unless this boot is told to leave them alone.
    await daemonReload()
    return swap
  } catch (error) {
    // What can't be taken back now stays pending, and this is what to tell.
    await resume().catch(() => {})
    throw error
  }
}

async function writeLandingOf(swap: Swap, boot: string, addresses: AddressBook): Promise<void> {
  const bundled = join(swap.directory, 'landing')
  const services = await Promise.all(units(swap.plan).map(inspectService))
  await writeLanding({
    swap: swap.directory,
    boot,
    lastPid: Number(await readFile(join(bundled, 'last-pid'), 'utf8')),
    // Peers that are gone may reset a connection as soon as the gate is open: it is compared before.
    hold: true,
    back: undefined,
    fallback: undefined,
    addresses,
    early: false,
    passengers: services.map((service) => ({ service, checkpoint: checkpointDirectory(swap, service.unit) })),
  })
  await writeLandingGate(await readFile(join(bundled, 'gate.nft'), 'utf8'))
  await rm(bundled, { recursive: true })
}

function units(plan: Plan): string[] {
  return preserved(plan).map(({ unit }) => unit)
}

function unusable(why: string): Failure {
  return new Failure('failed', `The bundle cannot be restored: ${why}; use another one.`)
}
