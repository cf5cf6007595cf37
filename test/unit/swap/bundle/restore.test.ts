import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdtempSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BundleIndex } from '../../../../src/archive/bundle.ts'
import { defaults } from '../../../../src/config/configuration.ts'
import { Failure } from '../../../../src/errors.ts'
import { runningKernel } from '../../../../src/os/kernel-release.ts'
import { bundleObstacles } from '../../../../src/swap/bundle/fit.ts'
import { restoreAtReboot, restoreNow, takeBundle } from '../../../../src/swap/bundle/restore.ts'
import type { WorkloadPlan } from '../../../../src/swap/plan.ts'
import { findPending, resume } from '../../../../src/swap/resume.ts'
import { bootId, type Swap } from '../../../../src/swap/store.ts'
import { cksum } from '../../../../src/tools/checksum.ts'
import { awaitUnits, daemonReload, startUnits, stopUnitsAlone } from '../../../../src/tools/systemd.ts'
import { archiveOf, entry } from '../../archive/blocks.ts'
import { writeBundle } from '../../archive/bundles.ts'
import { service } from '../../workload/builders.ts'
import { planWith } from '../plans.ts'

const place = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  place.directory = mkdtempSync(join(tmpdir(), 'kernelswap-restore-'))
  const within = (path: string) => join(place.directory, path) as never
  return {
    paths: {
      ...paths,
      library: new URL('../../../../src/landing/static', import.meta.url).pathname as never,
      ...{ state: within('state'), swaps: within('state/swaps'), landing: within('landing') },
      ...{ run: within('run'), rebootRequired: within('reboot-required') },
    },
  }
})
vi.mock(import('../../../../src/swap/bundle/fit.ts'), async (original) => ({
  ...(await original()),
  bundleObstacles: vi.fn(() => Promise.resolve([])),
  keepPidsFree: () => Promise.resolve(),
}))
vi.mock(import('../../../../src/config/configuration.ts'), async (original) => ({
  ...(await original()),
  loadConfiguration: () => Promise.resolve({ ...defaults, keep: 7 }),
}))
vi.mock(import('../../../../src/network/addresses.ts'), async (original) => ({
  ...(await original()),
  readAddresses: () => Promise.resolve({ links: ['eth0'], arrive: 'address\nroute\n', settle: 'settle\n' }),
}))
vi.mock(import('../../../../src/tools/systemd.ts'), async (original) => ({
  ...(await original()),
  daemonReload: vi.fn(() => Promise.resolve()),
  stopUnitsAlone: vi.fn(() => Promise.resolve()),
  startUnits: vi.fn(() => Promise.resolve()),
  showUnits: (units) => Promise.resolve(units.map(() => ({ MainPID: '4711', Slice: 'system.slice' }))),
  awaitUnits: vi.fn(() => Promise.resolve()),
  listenersOfSockets: () => Promise.resolve(new Map()),
}))
vi.mock(import('../../../../src/workload/service.ts'), async (original) => ({
  ...(await original()),
  inspectServices: (units) =>
    Promise.resolve(units.map((unit) => service({ unit, mainPid: 0, processes: [] }))),
}))
vi.mock(import('../../../../src/network/gate.ts'), async (original) => ({
  ...(await original()),
  openGate: () => Promise.resolve(),
}))
vi.mock(import('../../../../src/tools/journald.ts'), () => ({ writeToJournal: () => Promise.resolve() }))

const unit = 'redis-server.service'
const checkpoint = `workloads/${unit}`
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
const state = () => join(place.directory, 'state')
const landing = (name: string) => join(place.directory, 'landing', name)
const bundle = () => join(place.directory, 'bundle.tar')

beforeEach(async () => {
  vi.clearAllMocks()
  for (const name of ['state', 'landing', 'parts', 'bundle.tar'])
    await rm(join(place.directory, name), { recursive: true, force: true })
})
afterAll(() => rm(place.directory, { recursive: true }))

/** What a swap under way hands out, with what a test wants otherwise: undefined leaves a file out. */
async function makeBundle({
  files = {},
  index = {},
  restoreOptions,
  sealed = {},
}: Changes = {}): Promise<void> {
  const images: Record<string, string | Buffer> = {
    'images/core-4194300.img': 'registers',
    'images/restore.conf': restoreOptions ?? 'external unix[7]\n',
    'main-pid': '4194300\n',
    'on-restore-failure': 'cold\n',
    tasks: '4194300 running\n',
  }
  const planned = { ...planWith(), fallback: { loader: 'grub', entry: 'menu' }, workloads: [workload] }
  const seal = await sealOf({ ...images, ...sealed })
  const all: Record<string, string | Buffer | undefined> = {
    'plan.json': JSON.stringify(planned),
    'landing/last-pid': '4194301\n',
    'landing/gate.nft': 'table inet kernelswap\n',
    'landing/boot-id': 'there\n',
    [`${checkpoint}/manifest`]: seal,
    ...Object.fromEntries(
      Object.entries(images).map(([name, content]) => [`${checkpoint}/${name}`, content]),
    ),
    ...files,
  }
  const contents = Object.entries(all).filter(
    (entry): entry is [string, string | Buffer] => entry[1] !== undefined,
  )
  for (const [name, content] of contents) {
    const path = join(place.directory, 'parts', name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, content)
  }
  const described = contents.map(([name, content]) => ({
    name,
    bytes: content.length,
    sha256: sha256(content),
  }))
  await writeBundle(
    {
      ...{ schema: 'kernelswap.bundle/2', id: '20260101000000', host: 'web' },
      ...{ kernel: { from: 'old', to: 'new' }, units: [unit], sockets, files: described },
      ...index,
    },
    (name) => join(place.directory, 'parts', name),
    createWriteStream(bundle()),
  )
}

/** As the freeze makes it, of files that are as they should be. */
async function sealOf(images: Record<string, string | Buffer>): Promise<string> {
  const directory = join(place.directory, 'parts', 'sealed')
  for (const [name, content] of Object.entries(images)) {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), content)
  }
  return cksum(directory, Object.keys(images))
}

const sockets: BundleIndex['sockets'] = [{ protocol: 'tcp', address: '127.0.0.1', port: 6379, listens: true }]

interface Changes {
  readonly files?: Record<string, string | Buffer | undefined>
  readonly index?: Partial<BundleIndex>
  readonly restoreOptions?: string
  /** What the seal names beside what each checkpoint has. */
  readonly sealed?: Record<string, string | Buffer>
}

const workload: WorkloadPlan = {
  ...{ unit, policy: 'preserve', onRestoreFailure: 'cold', onVerifyFailure: 'keep', tolerate: {} },
  ...{ verdict: 'ready', obstacles: [], mainPid: 4194300, controlGroup: `/system.slice/${unit}` },
  ...{ processes: 1, memoryBytes: 0, connections: 0, trialSeconds: null },
}

const take = (
  atReboot = false,
  agree: () => Promise<void> = () => Promise.resolve(),
  signal = new AbortController().signal,
) => takeBundle({ file: bundle(), atReboot, agree, signal })

async function takenAndRestored(): Promise<Swap> {
  const swap = await take()
  await restoreNow(swap)
  return swap
}

async function expectNothingDone(): Promise<void> {
  expect(await readdir(state()).catch(() => [])).toEqual([])
  expect(existsSync(landing(''))).toBe(false)
  expect(stopUnitsAlone).not.toHaveBeenCalled()
}

describe('a bundle is restored', () => {
  test('for this boot: its units are stopped, and the landing is sealed as if by another boot', async () => {
    await makeBundle()
    const swap = await takenAndRestored()
    expect(awaitUnits).toHaveBeenCalledExactlyOnceWith([
      'kernelswap-land.service',
      'kernelswap-settle.service',
    ])
    expect(stopUnitsAlone).toHaveBeenCalledExactlyOnceWith([unit])
    expect(daemonReload).toHaveBeenCalledOnce()
    expect(await readlink(landing('swap'))).toBe(swap.directory)
    const read = (name: string) => readFile(landing(name), 'utf8')
    expect(await read('boot-id')).toBe('bundle\n')
    expect(await read('last-pid')).toBe('4194301\n')
    expect(await read('gate.nft')).toContain('tcp dport { 6379 } drop')
    expect(await read('up')).toBe(`${await bootId()}\n`)
    expect(await read('units.list')).toBe(`${unit}\n`)
    // For a boot after this one, which has none.
    expect(await read('addresses')).toBe('address\nroute\n')
    expect(await readdir(landing(''))).toEqual(expect.arrayContaining(['hold', 'sealed']))
    expect(await readdir(landing(''))).not.toContain('back')
    expect(await read(`units/${unit}.d/zz-kernelswap.conf`)).toContain(
      `restore-unit ${swap.directory}/${checkpoint}`,
    )
    expect(await findPending()).toMatchObject({ decision: { kind: 'settle', fellBack: true } })
  })

  test('in a directory for root alone, with the settings of this host and nothing of the other', async () => {
    await makeBundle()
    const { directory, plan } = await takenAndRestored()
    for (const name of ['', 'workloads', checkpoint, `${checkpoint}/images`])
      expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o700)
    expect((await stat(join(directory, checkpoint, 'images/core-4194300.img'))).mode & 0o777).toBe(0o600)
    expect(plan).toMatchObject({
      ...{ keep: 7, workloads: [workload], bundle: { id: '20260101000000', host: 'web' } },
      kernel: { from: 'old', to: runningKernel() },
    })
    expect(plan).not.toHaveProperty('fallback')
    expect(JSON.parse(await readFile(join(directory, 'plan.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(plan)),
    )
  })

  test('for the next boot: its units run on, this boot leaves it alone, and takes it back without that boot', async () => {
    await makeBundle()
    await restoreAtReboot(await take(true))
    expect(stopUnitsAlone).not.toHaveBeenCalled()
    expect(await readFile(landing('boot-id'), 'utf8')).toBe(`${await bootId()}\n`)
    expect(existsSync(landing('up'))).toBe(false)
    expect(await readFile(landing('addresses'), 'utf8')).toBe('address\nroute\n')
    expect(await findPending()).toMatchObject({ decision: { kind: 'undo', steps: ['write-landing'] } })
    expect((await resume())?.report.verdict).toBe('aborted')
    expect(existsSync(landing(''))).toBe(false)
  })

  test('and where it ends before the seal, what was stopped is started cold', async () => {
    await makeBundle()
    const swap = await take()
    expect(await findPending()).toMatchObject({ decision: { kind: 'nothing' } })
    vi.mocked(stopUnitsAlone).mockRejectedValueOnce(new Error('no bus'))
    await expect(restoreNow(swap)).rejects.toThrow('no bus')
    expect((await resume())?.report).toMatchObject({ verdict: 'degraded' })
    expect(startUnits).toHaveBeenCalledWith([unit])
    expect(existsSync(landing(''))).toBe(false)
    expect(await readdir(state())).toEqual(['swaps'])
    expect(await findPending()).toMatchObject({ decision: { kind: 'nothing' } })
  })

  /** Sealed, and no boot has begun with it: what would have restored it must be started, or all of it starts cold. */
  test('and where it ends behind the seal, finishing it begins with the landing', async () => {
    await makeBundle()
    const swap = await take()
    vi.mocked(daemonReload).mockRejectedValueOnce(new Error('no bus'))
    await expect(restoreNow(swap)).rejects.toThrow('no bus')
    expect(awaitUnits).not.toHaveBeenCalled()
    // The landing lets nothing go on here, which ends it.
    await expect(resume()).rejects.toThrow()
    expect(awaitUnits).toHaveBeenCalledExactlyOnceWith(['kernelswap-land.service'])
  })
})

describe('nothing is touched, and nothing stays', () => {
  test.each<[string, Changes, string]>([
    [
      'a file that the landing needs is missing',
      { files: { 'landing/last-pid': undefined } },
      'it has no landing/last-pid',
    ],
    [
      'a checkpoint has no seal',
      { files: { [`${checkpoint}/manifest`]: undefined } },
      `it has no ${checkpoint}/manifest`,
    ],
    ['it holds what belongs to nothing', { files: { released: 'here' } }, 'holds "released"'],
    [
      'it holds a checkpoint of no unit',
      { files: { 'workloads/b.service/x': '' } },
      'holds "workloads/b.service/x"',
    ],
    ['a unit has an odd name', { index: { units: ['../../etc'] } }, '"../../etc" is no name of a service'],
    ['it has no unit', { index: { units: [] } }, 'it holds no unit'],
    ['it is of version 1', { index: { schema: 'kernelswap.bundle/1' } }, 'could not restore one'],
    [
      'its plan is none',
      { files: { 'plan.json': '{"schema":"other"}' } },
      'its plan is of another kernelswap',
    ],
    [
      'its checkpoints are of another layout',
      { files: { 'landing/layout-version': '2\n' } },
      'its layout is 2, not 1',
    ],
    [
      'its plan has other units',
      { files: { 'plan.json': JSON.stringify(planWith()) } },
      'its plan has other units',
    ],
    ['a seal names nothing', { files: { [`${checkpoint}/manifest`]: '' } }, 'manifest: missing or empty'],
    [
      'CRIU would be told more than a checkpoint tells it',
      { restoreOptions: 'external unix[7]\naction-script /root/x\n' },
      'holds other options',
    ],
    [
      'a seal is of another file',
      { files: { [`${checkpoint}/main-pid`]: '4194301\n' } },
      `the seal of ${checkpoint} is broken: main-pid: other bytes than were sealed`,
    ],
  ])('where %s', async (_, changes, complaint) => {
    await makeBundle(changes)
    await expect(take()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining(complaint),
    })
    await expectNothingDone()
  })

  test('where a bit is another', async () => {
    await makeBundle()
    const bytes = await readFile(bundle())
    bytes[bytes.indexOf('registers')]! ^= 1
    await writeFile(bundle(), bytes)
    await expect(take()).rejects.toThrow('The bundle is refused: the checksum')
    await expectNothingDone()
  })

  test('where its end is missing', async () => {
    await makeBundle()
    const bytes = await readFile(bundle())
    await writeFile(bundle(), bytes.subarray(0, bytes.length - 3000))
    await expect(take()).rejects.toThrow('The bundle is refused')
    await expectNothingDone()
  })

  test('where an archive in it is damaged', async () => {
    await makeBundle({ files: { [`${checkpoint}/host.tar`]: 'x'.repeat(700) } })
    await expect(take()).rejects.toThrow('host.tar is damaged')
    await expectNothingDone()
  })

  test('where an archive in it would take the place of a file of this host', async () => {
    const mine = mkdtempSync('/dev/shm/kernelswap-mine-')
    try {
      await writeFile(join(mine, 'file'), 'mine')
      const name = join(mine, 'file').slice(1)
      const hostTar = archiveOf(entry({ name }, 'theirs'))
      const files = { [`${checkpoint}/host.tar`]: hostTar }
      await makeBundle({ files, sealed: { 'host.tar': hostTar } })
      await expect(take()).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringContaining(`"/${name}" is somebody else's here`),
      })
      await expectNothingDone()
      await rm(join(mine, 'file'))
      await take()
    } finally {
      await rm(mine, { recursive: true })
    }
  })

  test('where extended attributes are of what is in no archive of it', async () => {
    for (const archive of [archiveOf(entry({ name: 'run/a' })), undefined]) {
      const xattrs = '# file: usr/bin/perl\nsecurity.capability=0x01\n'
      const sealed: Record<string, string | Buffer> = {
        'private.xattrs': xattrs,
        ...(archive && { 'private.tar': archive }),
      }
      const files = Object.fromEntries(
        Object.entries(sealed).map(([name, content]) => [`${checkpoint}/${name}`, content]),
      )
      await makeBundle({ files, sealed })
      await expect(take()).rejects.toThrow(/private\.xattrs (names "usr\/bin\/perl"|has no archive)/)
      await expectNothingDone()
    }
  })

  test('where this host cannot take it', async () => {
    await makeBundle()
    vi.mocked(bundleObstacles).mockResolvedValueOnce([
      { code: 'pid-taken', reason: 'PID 4 is taken by kworker of the kernel', remedy: '--reboot' },
      { code: 'criu-missing', reason: 'criu is not installed', remedy: 'apt install criu' },
    ])
    await expect(take()).rejects.toMatchObject({
      kind: 'refused',
      message:
        'This host cannot take the bundle: PID 4 is taken by kworker of the kernel (--reboot); criu is not installed (apt install criu).',
    })
    await expectNothingDone()
  })

  test('where nobody agrees, or it is interrupted', async () => {
    await makeBundle()
    await expect(
      take(false, () => Promise.reject(new Failure('failed', 'Nothing was done.'))),
    ).rejects.toThrow('Nothing was done.')
    await expectNothingDone()
    const stop = AbortSignal.abort(new Failure('failed', 'It was asked to stop.'))
    await expect(take(false, undefined, stop)).rejects.toThrow('It was asked to stop.')
    await expectNothingDone()
  })

  test('where another swap has no verdict yet', async () => {
    await makeBundle()
    await takenAndRestored()
    vi.clearAllMocks()
    await expect(take()).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no verdict yet'),
    })
    expect(stopUnitsAlone).not.toHaveBeenCalled()
  })
})
