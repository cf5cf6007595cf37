import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type AbiResult, diffSnapshots } from '../../src/abi/diff.ts'
import { type Snapshot, takeSnapshot } from '../../src/abi/snapshot.ts'
import { writeManifest } from '../../src/archive/manifest.ts'
import { messageOf } from '../../src/errors.ts'
import { attempt, run } from '../../src/host/local.ts'
import {
  hasLanded,
  prepareCheckpoint,
  removeLanding,
  restoreUnits,
  writeLanding,
  writeLandingMendings,
} from '../../src/landing/landing.ts'
import { readAddresses } from '../../src/network/addresses.ts'
import { paths } from '../../src/paths.ts'
import { pidsOf } from '../../src/workload/control-group.ts'
import { imagesOf } from '../../src/workload/images.ts'
import { inspectWorkload } from '../../src/workload/kinds.ts'
import { mendings } from '../../src/workload/mendings.ts'
import { inspectSurroundings } from '../../src/workload/surroundings.ts'
import { type Tampering, tamperings } from '../unit/abi/tamperings.ts'
import { parseReady, type Ready, signalAll, whileStopped } from '../unit/abi/victim.ts'

/**
 * Runs in the machine, as root: tampers with a service that was checkpointed and restored, and prints what the
 * comparison with the snapshot before the checkpoint says, a JSON object a line (`FacetRow`).
 *
 *   facets-driver.js all|sample
 */

/** How a tampering with a restored victim went. */
export interface FacetRow {
  readonly facet: string
  readonly what: string
  /** The first line of the facet that only this tampering can have caused; null where it was missed. */
  readonly line: string | null
  /** Other facets that came with it, and shouldn't have. */
  readonly others: readonly string[]
}

/** What a restored victim shows before anything is done to it. */
export interface RestoredRow {
  readonly restored: string
  readonly equal: number
  readonly differences: readonly string[]
}

const UNIT = 'victim.service'
const HOME = '/opt/victim'
const SWAP = '/var/lib/kernelswap/facets'
const CHECKPOINT = `${SWAP}/workloads/${UNIT}`
/** A process that ran a statement has other bytes and registers than before, and may have more memory. */
const RAN = ['memory-bytes', 'registers', 'memory-map']

const service = `[Service]
ExecStart=/usr/bin/python3 ${HOME}/victim.py ${HOME}
PrivateIPC=yes
TemporaryFileSystem=${HOME}/room ${HOME}/other
`

/** Tamperings that one victim takes: a new one begins where state has to be prepared before the checkpoint. */
function rounds(all: readonly Tampering[]): Tampering[][] {
  const found: Tampering[][] = []
  for (const tampering of all) {
    if (typeof tampering.restored === 'string') continue
    const one = { ...tampering, ...withoutFirst(tampering), ...tampering.restored }
    if (found.length === 0 || one.first !== undefined) found.push([])
    found.at(-1)!.push(one)
  }
  return found
}

/** A replacement replaces the preparation too. */
function withoutFirst({ restored }: Tampering): Partial<Tampering> {
  return restored === undefined ? {} : ({ first: undefined } as object)
}

/** On standard error as well, for whoever watches. */
function say(row: FacetRow | RestoredRow): void {
  for (const stream of [process.stdout, process.stderr]) stream.write(`${JSON.stringify(row)}\n`)
}

async function tryRound(round: readonly Tampering[]): Promise<void> {
  const victim = await startVictim()
  try {
    if (round[0]?.first !== undefined) await tell(round[0].first)
    const before = await checkpoint()
    await restore()
    const pids = await pidsOf(controlGroup)
    const held = diffSnapshots(before, await takeSnapshot(pids, { strict: true }), { strict: true })
    say({ restored: round[0]!.facet, equal: held.facets.equal, differences: linesOf(held) })
    signalAll(pids, 'SIGCONT')
    let known = held.differences
    for (const tampering of round) known = await tryOne(tampering, victim, pids, before, known)
  } finally {
    await endVictim(victim)
  }
}

/**
 * One tampering is the only thing that happens between two comparisons with the snapshot before the checkpoint: a line
 * that only the second one has is its doing.
 */
async function tryOne(
  { facet, what, how, also = [] }: Tampering,
  victim: Ready,
  pids: readonly number[],
  before: Snapshot,
  known: AbiResult['differences'],
): Promise<AbiResult['differences']> {
  const isNew = (difference: AbiResult['differences'][number]) =>
    !known.some((one) => JSON.stringify(one) === JSON.stringify(difference))
  const compare = async () =>
    diffSnapshots(before, await takeSnapshot(pids, { strict: true }), { strict: true }).differences
  try {
    // What running alone changes is known first.
    if (RAN.includes(facet) && typeof how === 'string') {
      await tell('pass')
      known = await whileStopped(pids, compare)
    }
    if (typeof how === 'string') await tell(how)
    let differences = await whileStopped(pids, async () => {
      if (typeof how === 'string') return await compare()
      known = await compare()
      how(victim)
      return await compare()
    })
    // What a tampering sets off, such as the end of a process, may take the kernel a moment.
    const late = Date.now() + 10_000
    const lineIn = (found: AbiResult['differences']) =>
      found.filter(isNew).find((difference) => difference.facet === facet)?.line ?? null
    while (lineIn(differences) === null && Date.now() < late) differences = await whileStopped(pids, compare)
    const others = new Set(differences.filter(isNew).map((difference) => difference.facet))
    // Those that differed already may say it otherwise: what is left on a timer goes down.
    for (const one of known) others.delete(one.facet)
    for (const name of [facet, ...also, ...RAN]) others.delete(name)
    say({ facet, what, line: lineIn(differences), others: [...others] })
    return differences
  } catch (error) {
    say({ facet, what, line: null, others: [messageOf(error)] })
    return known
  }
}

function linesOf({ differences }: AbiResult): string[] {
  return differences.map(({ task, facet, line }) => `${facet} of ${task}: ${line}`)
}

let controlGroup = ''

async function startVictim(): Promise<Ready> {
  // The victim answers as any user.
  writeFileSync(join(HOME, 'out'), '')
  chmodSync(join(HOME, 'out'), 0o666)
  await run('systemctl', ['start', UNIT])
  controlGroup = (await inspectWorkload(UNIT)).controlGroup
  return parseReady(await answer(1))
}

let asked = 1

/** Runs a Python statement in the victim. */
async function tell(statement: string): Promise<void> {
  writeFileSync(join(HOME, 'in'), `${statement}\n`)
  const said = await answer(++asked)
  if (said !== 'done') throw new Error(`${statement}: ${said}`)
}

/** The given line of the victim's answers, waited for. */
async function answer(number: number): Promise<string> {
  if (number === 1) asked = 1
  const late = Date.now() + 60_000
  while (Date.now() < late) {
    const lines = read(join(HOME, 'out')).split('\n')
    if (lines.length > number) return lines[number - 1]!
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { stdout } = await attempt('journalctl', [`--unit=${UNIT}`, '--output=cat', '--lines=5'])
  throw new Error(`the victim doesn’t answer: ${stdout}`)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Checkpoints the victim as a swap does, and returns the snapshot that a swap takes of the stopped tasks. */
async function checkpoint(): Promise<Snapshot> {
  rmSync(CHECKPOINT, { recursive: true, force: true })
  const victim = await inspectWorkload(UNIT)
  const ties = victim.ties(await inspectSurroundings())
  const carried = { workload: victim, ties, checkpoint: CHECKPOINT, onRestoreFailure: 'cold' as const }
  await prepareCheckpoint(carried)
  await writeLanding({
    ...{ swap: SWAP, boot: 'none', lastPid: 0, early: false, hold: true, up: undefined },
    back: { kernel: '', initrd: '', commandLine: '' },
    aim: undefined,
    addresses: { links: [], arrive: '', settle: '' },
    sockets: [],
    carried: [carried],
  })
  const options = { external: ties.external, leave: 'stopped' as const, timeoutSeconds: 300 }
  const heldSince = new Date()
  const obstacle = await victim.dump({ images: imagesOf(CHECKPOINT), ...options })
  if (obstacle) throw new Error(`dump: ${obstacle.reason}`)
  await writeManifest(CHECKPOINT)
  await writeLandingMendings(await mendings(await pidsOf(controlGroup)))
  return await takeSnapshot(await pidsOf(controlGroup), { strict: true, heldSince })
}

/** Ends the checkpointed tasks, and starts the unit as the landing does: with its drop-in, which restores it. */
async function restore(): Promise<void> {
  await run('systemctl', ['kill', '--signal=SIGKILL', '--kill-whom=all', UNIT])
  await attempt('systemctl', ['stop', UNIT])
  await attempt('systemctl', ['reset-failed', UNIT])
  // What `land` does before it starts units: restore-unit takes checkpoints alone that are marked as sound.
  mkdirSync(join(paths.run, 'sound'), { recursive: true, mode: 0o700 })
  rmSync(join(paths.run, 'landed'), { recursive: true, force: true })
  await run(join(paths.library, 'check-seal'), [CHECKPOINT])
  writeFileSync(join(paths.run, 'sound', UNIT), '')
  await cp(join(paths.landing, 'units'), '/run/systemd/system', { recursive: true })
  await run('systemctl', ['daemon-reload'])
  const addresses = await readAddresses()
  await ipBatch(addresses.arrive)
  await restoreUnits([UNIT])
  if (!hasLanded(UNIT)) {
    const errors = await imagesOf(CHECKPOINT).errors('restore')
    throw new Error(`restore: ${errors.join('; ')}`)
  }
  await ipBatch(addresses.settle)
}

/** The lines about loopback, which the victim's connections go over; the others carry our own session. */
async function ipBatch(lines: string): Promise<void> {
  const loopback = lines.split('\n').filter((line) => line.startsWith('link set dev lo '))
  await run('ip', ['-batch', '-'], { input: `${loopback.join('\n')}\n` })
}

async function endVictim({ folder }: Ready): Promise<void> {
  await attempt('systemctl', ['kill', '--signal=SIGKILL', '--kill-whom=all', UNIT])
  await attempt('systemctl', ['stop', UNIT])
  await attempt('systemctl', ['reset-failed', UNIT])
  rmSync(`/run/systemd/system/${UNIT}.d`, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
  await removeLanding()
  await run('systemctl', ['daemon-reload'])
}

/** Every seventh of the first victim's: what a quick run tries. */
function sampleOf(all: readonly Tampering[][]): Tampering[][] {
  return [all[0]!.filter((_, index) => index % 7 === 0)]
}

mkdirSync('/var/lib/kernelswap', { recursive: true, mode: 0o700 })
mkdirSync(join(HOME, 'room'), { recursive: true })
mkdirSync(join(HOME, 'other'), { recursive: true })
await run('mkfifo', [join(HOME, 'in')])
writeFileSync(`/etc/systemd/system/${UNIT}`, service)
await run('systemctl', ['daemon-reload'])
const all = rounds(tamperings)
for (const round of process.argv[2] === 'all' ? all : sampleOf(all)) {
  await tryRound(round).catch((error) => {
    say({ restored: round[0]!.facet, equal: 0, differences: [messageOf(error)] })
    for (const { facet, what } of round) say({ facet, what, line: null, others: ['it was not restored'] })
  })
}
