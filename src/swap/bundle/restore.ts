import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleIndex, readBundleIndex, unpackBundle } from '../../archive/bundle.ts'
import type { Entry } from '../../archive/check.ts'
import { manifestName, sealComplaint } from '../../archive/manifest.ts'
import { loadConfiguration } from '../../config/configuration.ts'
import { writeDurably } from '../../durable.ts'
import { Failure, ifMissing } from '../../errors.ts'
import { attempt } from '../../host/local.ts'
import {
  landingLayout,
  landingUnit,
  sealLanding,
  settleUnit,
  writeLanding,
  writeLandingGate,
  writeLandingMendings,
} from '../../landing/landing.ts'
import {
  type CheckpointFile,
  checkpointFile,
  landingFile,
  layoutVersion,
  scriptFile,
  swapFile,
  tmpfsArchives,
} from '../../layout.ts'
import { readAddresses } from '../../network/addresses.ts'
import { gateRules } from '../../network/gate.ts'
import { runningKernel } from '../../os/kernel-release.ts'
import { paths } from '../../paths.ts'
import type { Report } from '../../report/report.ts'
import { syncFileSystem } from '../../tools/sync.ts'
import { awaitUnits, daemonReload, showUnit } from '../../tools/systemd.ts'
import { complaintOfService } from '../../tools/unit-name.ts'
import { fileUses } from '../../workload/control-group.ts'
import { controlGroupsOf, inspectWorkloads, stopWorkloads } from '../../workload/kinds.ts'
import { areMendings } from '../../workload/mendings.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import { inspectSurroundings } from '../../workload/surroundings.ts'
import { Journal } from '../journal.ts'
import { withLock } from '../lock.ts'
import { discardOldCheckpoints } from '../phases/settle.ts'
import { type Plan, planSchema, preserved, unitsOf, type WorkloadPlan } from '../plan.ts'
import { refuseIfPending, resume } from '../resume.ts'
import { adoptSwap, bootId, checkpointDirectory, readReport, type Swap } from '../store.ts'
import { bundledEntries, fileObstacles } from './files.ts'
import { bundleObstacles, keepPidsFree } from './fit.ts'

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
/** What journal and landing of a restore name as their boot: the checkpoint comes from another than this one. */
const elsewhere = 'bundle'

/**
 * Brings a bundle to where a swap is that has taken no step: its checkpoints are on disk, and no unit was touched.
 * @returns the swap that `restoreNow` or `restoreAtReboot` goes on with
 * @throws Failure 'failed' for a bundle that is refused, and nothing of it stays; 'refused' where this host can't take it.
 */
export async function takeBundle({ file, atReboot, agree, signal }: RestoreRequest): Promise<Swap> {
  await refuseIfPending()
  await rm(unpacked, { recursive: true, force: true })
  const index = await readBundleIndex(file)
  refuseUnlessComplete(index)
  await refuseIfUnfit(index, atReboot)
  await agree(index)
  if (!atReboot) await keepPidsFree(index)
  try {
    await mkdir(unpacked, { recursive: true, mode: 0o700 })
    const { plan: theirs, entries } = await unpack(file, index, signal)
    await refuseUnlessFree(entries, index, atReboot)
    const plan = await planHere(theirs, index)
    signal.throwIfAborted()
    const swap = await adoptSwap(plan, unpacked)
    await discardOldCheckpoints(swap)
    return swap
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
}

/**
 * Has the next boot restore what `takeBundle` has brought. This boot staged it: `resume` takes it back until then.
 * @throws what went wrong, and everything is taken back.
 */
export async function restoreAtReboot(swap: Swap): Promise<void> {
  const boot = await bootId()
  try {
    await beginRestore(swap, boot)
    await writeLandingOf(swap, boot, undefined)
    await syncFileSystem(swap.directory)
    await sealLanding()
  } catch (error) {
    await resume()
    throw error
  }
}

/**
 * Restores on this boot, as if the power had been cut behind a seal: the units that a boot would start do it. Whatever ends
 * this call, `resume` finishes it. Units are stopped last: until then nothing is lost.
 */
export async function restoreNow(swap: Swap): Promise<void> {
  await withLock(async () => {
    await beginRestore(swap, elsewhere)
    await writeLandingOf(swap, elsewhere, await bootId())
    await syncFileSystem(swap.directory)
    await stopWorkloads(unitsOf(preserved(swap.plan)), { isAlone: true })
    await sealLanding()
    // Has the generator hand out the drop-ins.
    await daemonReload()
  })
  await awaitUnits([landingUnit, settleUnit])
}

/**
 * What `restoreNow` came to.
 * @throws Failure 'operator' where a unit could not be restored and everything waits for a decision.
 */
export async function restoredReport(swap: Swap): Promise<Report> {
  const report = await readReport(swap)
  if (report) return report
  const { ExecMainStatus } = await showUnit(settleUnit, ['ExecMainStatus'])
  throw new Failure(
    ExecMainStatus === '5' ? 'operator' : 'failed',
    `The restore has no verdict yet: \`journalctl -u ${settleUnit}\` tells why, \`kernelswap resume\` goes on, \`kernelswap abandon\` starts cold what is not back.`,
  )
}

/** Files of each checkpoint that the landing can't do without. */
const needed = [
  manifestName,
  'main-pid',
  'on-restore-failure',
  'tasks',
  'images/restore.conf',
] as const satisfies readonly CheckpointFile[]

/** Everything that a landing reads must be there, and nothing that it would take for its own doing. */
function refuseUnlessComplete({ schema, units, files }: BundleIndex): void {
  if (schema === 'kernelswap.bundle/1')
    throw unusable('it was made by a kernelswap that could not restore one')
  if (units.length === 0) throw unusable('it holds no unit')
  const odd = units.find((unit) => complaintOfService(unit) !== undefined)
  if (odd !== undefined) throw unusable(`${JSON.stringify(odd)} is no name of a service`)
  const names = new Set(files.map(({ name }) => name))
  const checkpoints = units.map((unit) => swapFile('', 'workloads', unit, '/'))
  const wanted = checkpoints.flatMap((checkpoint) => needed.map((name) => checkpointFile(checkpoint, name)))
  const missing = ['plan.json', landingFile('last-pid', 'landing'), ...wanted].find(
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
  refuseFor(await bundleObstacles(index, atReboot))
}

/** What is unpacked on the host's own tmpfs mustn't take anybody's place but the units' own. */
async function refuseUnlessFree(
  entries: readonly Entry[],
  { units }: BundleIndex,
  atReboot: boolean,
): Promise<void> {
  const [workloads, surroundings] = [await inspectWorkloads(units), await inspectSurroundings()]
  const running = workloads.filter(({ controlGroup }) => controlGroup !== '')
  const uses = await fileUses(running.map(({ controlGroup }) => controlGroup))
  const owned = workloads.flatMap(
    (workload) => workload.tmpfsFiles(uses[running.indexOf(workload)] ?? [], surroundings).host,
  )
  refuseFor(await fileObstacles(entries, { root: '/', owned, atReboot }))
}

function refuseFor(obstacles: readonly Obstacle[]): void {
  if (obstacles.length === 0) return
  const all = obstacles.map(({ reason, remedy }) => `${reason} (${remedy})`)
  throw new Failure('refused', `This host cannot take the bundle: ${all.join('; ')}.`)
}

/** What a bundle holds once it is unpacked and found to be whole. */
interface Unpacked {
  readonly plan: Plan
  /** Of the archives of the host's own tmpfs. */
  readonly entries: readonly Entry[]
}

async function unpack(file: string, index: BundleIndex, signal: AbortSignal): Promise<Unpacked> {
  const found = await unpackBundle(file, unpacked, signal)
  if (JSON.stringify(found) !== JSON.stringify(index)) throw unusable('it changed while it was read')
  const landing = join(unpacked, 'landing')
  // The first ones told none.
  const layout = (await landingLayout(landing)) ?? '1'
  if (layout !== String(layoutVersion)) throw unusable(`its layout is ${layout}, not ${layoutVersion}`)
  // Not what somebody wrote there: nft(8) does whatever it reads.
  const held = found.sockets.map(({ protocol, port }) => ({ protocol, localPort: port }))
  await writeDurably(landingFile('gate.nft', landing), gateRules(held, 'unreachable'))
  const mend = await readFile(landingFile('mend', landing), 'utf8').catch(ifMissing(''))
  if (!areMendings(mend)) throw unusable('landing/mend holds other lines than a checkpoint has')
  const names = new Set(found.files.map(({ name }) => name))
  const entries: Entry[] = []
  for (const unit of found.units)
    entries.push(...(await refuseUnlessSealed(swapFile('', 'workloads', unit), names)))
  const plan = planSchema.safeParse(JSON.parse(await readFile(join(unpacked, 'plan.json'), 'utf8')))
  if (!plan.success) throw unusable('its plan is of another kernelswap')
  if (unitsOf(preserved(plan.data)).join() !== found.units.join()) throw unusable('its plan has other units')
  return { plan: plan.data, entries }
}

/**
 * Its seal must name what came, and its archives must stay where they are unpacked: the landing refuses what doesn't.
 * @returns what it has of files on the host's own tmpfs
 */
async function refuseUnlessSealed(checkpoint: string, names: ReadonlySet<string>): Promise<Entry[]> {
  const directory = join(unpacked, checkpoint)
  const { code } = await attempt(scriptFile('check-seal'), [directory])
  if (code !== 0) throw unusable(`the seal of ${checkpoint} is broken: ${await sealComplaint(directory)}`)
  // CRIU has options that run programs.
  const options = await readFile(checkpointFile(directory, 'images/restore.conf'), 'utf8')
  if (!/^((external|inherit-fd) .+\n)*$/.test(options))
    throw unusable(
      `${checkpointFile(checkpoint, 'images/restore.conf')} holds other options than a checkpoint has`,
    )
  const [host = []] = await Promise.all(
    tmpfsArchives.map(async (name) => {
      const files = join(checkpoint, name)
      if (names.has(`${files}.tar`)) return bundledEntries(join(unpacked, files))
      if (names.has(`${files}.xattrs`)) throw unusable(`${files}.xattrs has no archive`)
      return []
    }),
  )
  return host
}

/** A bundle's plan as this host goes on with it: its own kernel and settings, and no way back. */
async function planHere(plan: Plan, { id, host, kernel }: BundleIndex): Promise<Plan> {
  const { fallback, leftBehind, groups, mounts, endings, outage, evacuate, ...kept } = plan
  const configuration = await loadConfiguration()
  return {
    ...kept,
    kernel: { from: kernel.from, to: runningKernel() },
    keep: configuration.keep,
    watchdogSeconds: 0,
    workloads: await placeHere(preserved(plan)),
    announce: {
      onSuccess: configuration['on-success'],
      onFailure: configuration['on-failure'],
      metricsFile: configuration['metrics-file'],
    },
    bundle: { id, host },
  }
}

/** A unit may be in another slice here. */
async function placeHere(workloads: readonly WorkloadPlan[]): Promise<WorkloadPlan[]> {
  const controlGroups = await controlGroupsOf(unitsOf(workloads))
  return workloads.map((workload, index) => ({ ...workload, controlGroup: controlGroups[index]! }))
}

/** From here on a swap is pending, and `kernelswap resume` finishes it after a crash. */
function beginRestore({ directory, plan }: Swap, boot: string): Promise<void> {
  const step = { kind: 'step', phase: 'restore', step: 'write-landing' } as const
  return new Journal(directory, boot, plan.kernel.from).append(step)
}

async function writeLandingOf(swap: Swap, boot: string, up: string | undefined): Promise<void> {
  const bundled = join(swap.directory, 'landing')
  const workloads = await inspectWorkloads(unitsOf(preserved(swap.plan)))
  await writeLanding({
    ...{ swap: swap.directory, boot, up },
    lastPid: Number(await readFile(landingFile('last-pid', bundled), 'utf8')),
    // Peers that are gone may reset a connection as soon as the gate is open: it is compared before.
    hold: true,
    back: undefined,
    aim: undefined,
    addresses: await readAddresses(),
    early: false,
    sockets: (await readFile(landingFile('sockets', bundled), 'utf8').catch(ifMissing('')))
      .split('\n')
      .filter((line) => /^[\w:.\\@-]+\.socket$/.test(line)),
    carried: workloads.map((workload) => ({
      workload,
      checkpoint: checkpointDirectory(swap, workload.unit),
    })),
  })
  await writeLandingGate(await readFile(landingFile('gate.nft', bundled), 'utf8'))
  await writeLandingMendings(await readFile(landingFile('mend', bundled), 'utf8').catch(ifMissing('')))
}

function unusable(why: string): Failure {
  return new Failure('failed', `The bundle cannot be restored: ${why}; use another one.`)
}
