import { join } from 'node:path'
import { Failure } from '../../errors.ts'
import { kernelsAmong } from '../../os/debian.ts'
import { paths } from '../../paths.ts'
import { requireSameVersion } from '../../remote/host.ts'
import { type Plan, planSchema, preserved } from '../../swap/plan.ts'
import { type Package, packageFormat, parsePackages } from '../../tools/dpkg.ts'
import { isCuredByAdopting } from '../../workload/obstacle.ts'
import { type Accounts, accountsOf } from './accounts.ts'
import { fetchFiles } from './files.ts'
import { answerOf, answerSeconds, lastLine, type ReadHost } from './host.ts'
import { filesName, type Likeness } from './likeness.ts'
import { partsOf, withTargets } from './links.ts'
import { isKeptBack, isPlain, isReplaceable } from './paths.ts'
import { type Found, findUnits } from './units.ts'

/** What to make the likeness of. */
export interface Wanted {
  /** Empty: those that a plan there would carry. */
  readonly units: readonly string[]
  /** Files and directories of data, as absolute paths there. */
  readonly data: readonly string[]
  /** A release to swap to; undefined: the newest there. */
  readonly kernel?: string | undefined
}

/**
 * Reads what makes a host's services what they are: packages, kernels, unit files, configuration. Changes nothing
 * there. The files are put into `folder`.
 * @throws Failure 'refused' where the host can't be rehearsed, 'usage' for data that isn't.
 */
export async function readLikeness(
  host: ReadHost,
  wanted: Wanted,
  folder: string,
  say: (line: string) => void,
): Promise<Likeness> {
  refuseNoData(wanted.data)
  say(`reading ${host.name}`)
  await requireDebian13(host)
  const installed = kernelsAmong((await answerOf(host, 'ls', [paths.boot])).split('\n'))
  const kernels = await readKernels(host, installed, wanted.kernel)
  const packages = await readPackages(host)
  const { units, obstacles, notes } = await readPlan(
    host,
    wanted.units,
    installed.find((release) => release === wanted.kernel),
  )
  const found = await findUnits(host, units)
  const data = await findData(host, wanted.data)
  const members = [...found.members, ...configuration, ...data]
  say(`copying its configuration${wanted.data.length > 0 ? ' and data' : ''}`)
  const accounts = await readAccounts(host, found)
  const files = await fetchFiles(host, members, join(folder, filesName))
  return {
    schema: 'kernelswap.likeness/1',
    host: host.name,
    kernels,
    packages,
    accounts: accounts.accounts,
    units: found.units,
    obstacles,
    files: files.copied,
    folders: files.folders.filter(isReplaceable),
    notes: [...notes, ...found.notes, ...accounts.notes, ...files.notes],
  }
}

/** kernelswap's own; what the package brings of it, the copy gets with the package. */
const configuration = ['/etc/kernelswap/config.d', '/etc/kernelswap/hooks.d']

/** @throws Failure 'usage' for a path that means nothing, or what no copy gets. */
function refuseNoData(data: readonly string[]): void {
  for (const path of data) {
    if (!isPlain(path))
      throw new Failure(
        'usage',
        `--with-data ${JSON.stringify(path)} is no absolute path of a file or directory; give one without "..".`,
      )
    if (isKeptBack(path)) throw keptBackData(path)
  }
}

/**
 * Data with what it leads to where it is a link.
 * @throws Failure 'usage' for what isn't there, or is what no copy gets by another name.
 */
async function findData(host: ReadHost, paths: readonly string[]): Promise<string[]> {
  for (const path of paths) {
    const ended = await host.run('realpath', ['--canonicalize-existing', '--zero', '--', path], {
      timeoutSeconds: answerSeconds,
    })
    const [target] = partsOf(ended.stdout)
    if (ended.code !== 0 || target === undefined)
      throw new Failure(
        'usage',
        `--with-data ${path} is not there on ${host.name}, or leads nowhere; see there with ls -l.`,
      )
    if (isKeptBack(target)) throw keptBackData(path)
  }
  const found = await withTargets(host, paths)
  return found.filter((path) => !isKeptBack(path))
}

function keptBackData(path: string): Failure {
  return new Failure('usage', `--with-data ${path} is what no copy gets, since it has its own; leave it out.`)
}

async function requireDebian13(host: ReadHost): Promise<void> {
  const release = await answerOf(host, 'cat', ['/etc/os-release'])
  const machine = (await answerOf(host, 'uname', ['-m'])).trim()
  if (/^ID=debian$/m.test(release) && /^VERSION_ID="13"$/m.test(release) && machine === 'x86_64') return
  const name = /^PRETTY_NAME="(.*)"$/m.exec(release)?.[1] ?? 'another system'
  throw new Failure(
    'refused',
    `${host.name} runs ${name} on ${machine}, and a rehearsal's machine is Debian 13 on x86_64; rehearse a host like that.`,
  )
}

async function readKernels(
  host: ReadHost,
  installed: readonly string[],
  asked: string | undefined,
): Promise<Likeness['kernels']> {
  const running = (await answerOf(host, 'uname', ['-r'])).trim()
  const newest = installed.filter((release) => release !== running).at(-1) ?? null
  if (asked !== undefined) return { running, newest, asked }
  if (newest !== null) return { running, newest }
  throw new Failure(
    'refused',
    `${host.name} has no kernel but the running one to swap to; install one there, or say which one to rehearse with --to.`,
  )
}

async function readPackages(host: ReadHost): Promise<Package[]> {
  return parsePackages(await answerOf(host, 'dpkg-query', ['--show', `--showformat=${packageFormat}`]))
}

/** The units to rehearse, and what the host's own plan says of them and of the host. */
interface Planned extends Pick<Likeness, 'obstacles' | 'notes'> {
  readonly units: readonly string[]
}

/** Units that are named need no plan there; what it would tell beside them is then left open. */
async function readPlan(
  host: ReadHost,
  named: readonly string[],
  kernel: string | undefined,
): Promise<Planned> {
  if (named.length === 0) {
    await requireSameVersion(host).catch(failWithoutPlan)
    const plan = await planOf(host, named, kernel)
    return { units: carriedUnits(host, plan), obstacles: obstaclesIn(plan), notes: [] }
  }
  try {
    await requireSameVersion(host)
    return { units: named, obstacles: obstaclesIn(await planOf(host, named, kernel)), notes: [] }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const left = `kexec settings, lockdown, boot loader and space of ${host.name} were not looked at`
    return { units: named, obstacles: { host: [], units: [] }, notes: [`${left}: ${error.message}`] }
  }
}

function failWithoutPlan(error: unknown): never {
  if (!(error instanceof Failure)) throw error
  throw new Failure(
    error.kind,
    `${error.message} Only its plan can tell which services a swap would carry, unless you name them with --unit.`,
    { cause: error },
  )
}

function carriedUnits(host: ReadHost, plan: Plan): string[] {
  const carried = preserved(plan).map(({ unit }) => unit)
  if (carried.length > 0) return carried
  throw new Failure('refused', `A swap of ${host.name} would carry no service; name some with --unit.`)
}

function obstaclesIn(plan: Plan): Likeness['obstacles'] {
  const units = preserved(plan).flatMap(({ unit, obstacles }) =>
    obstacles.filter((obstacle) => !isCuredByAdopting(obstacle)).map((obstacle) => ({ unit, ...obstacle })),
  )
  return { host: plan.host, units }
}

/** What `kernelswap plan` says there. Without trial checkpoints: nothing there may stand still for us. */
async function planOf(host: ReadHost, units: readonly string[], kernel: string | undefined): Promise<Plan> {
  const to = kernel === undefined ? [] : ['--kernel', kernel]
  const named = units.length > 0 ? ['--', ...units] : []
  const words = ['plan', '--no-trial', '--json', ...to, ...named]
  const ended = await host.run('kernelswap', words, { timeoutSeconds: answerSeconds })
  if (ended.stdout !== '') return planSchema.parse(JSON.parse(ended.stdout))
  throw new Failure(
    'refused',
    `${host.name} has no plan to rehearse: ${lastLine(ended)}; or name services with --unit.`,
  )
}

async function readAccounts(host: ReadHost, { accounts }: Found): Promise<Accounts> {
  return accountsOf(
    await answerOf(host, 'cat', ['/etc/passwd']),
    await answerOf(host, 'cat', ['/etc/group']),
    accounts,
  )
}
