import { copyFile, link, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, ifMissing, isErrno, messageOf } from '../../errors.ts'
import { run } from '../../host/local.ts'
import { debian } from '../../os/debian.ts'
import {
  type Apt,
  type Candidate,
  fetchInstall,
  fileOf,
  knownNames,
  makeDirectories,
  parseSimulation,
  simulateInstall,
  updateLists,
} from '../../tools/apt.ts'
import { type Package, parseStatus } from '../../tools/dpkg.ts'
import { cacheDirectory } from '../cache.ts'
import type { Image } from '../image.ts'
import { recipeFolder } from '../recipe.ts'
import type { Likeness } from './likeness.ts'

/** What a machine needs to have the packages of a host. */
export interface Selection {
  /** Files of packages; their names tell the versions. */
  readonly files: readonly string[]
  /** What the machine won't have as the host has it. */
  readonly notes: readonly string[]
  /** Fetches the files into a folder. */
  fetch(folder: string): Promise<void>
}

type Wanted = Pick<Likeness, 'packages' | 'units' | 'kernels'>

const listsLast = 24 * 3600 * 1000
/** What tells where packages come from asks mirrors, some of which may be down. */
const sourcesSeconds = 600

/** How a machine boots, reaches its network and minds its hardware; kernelswap it gets from us. */
const machinesOwn = new RegExp(
  `^(${[
    ...[
      'linux-(image|headers|kbuild|modules|base|support|libc-dev).*',
      'grub.*',
      'shim-.*',
      'systemd-boot.*',
    ],
    ...[
      'initramfs-tools.*',
      'dracut.*',
      'firmware-.*',
      '.*-microcode',
      '.*-dkms',
      'dkms',
      'mokutil',
      'efibootmgr',
    ],
    ...[
      'cloud-.*',
      'ifupdown.*',
      'network-manager.*',
      'netplan.*',
      'dhcpcd.*',
      'isc-dhcp-client',
      'resolvconf',
    ],
    ...[
      'systemd-resolved',
      'openresolv',
      'qemu-guest-agent',
      'open-vm-tools',
      'unattended-upgrades',
      'kernelswap',
    ],
  ].join('|')})$`,
)

/**
 * Chooses what the image lacks to have a host's packages: the same versions where Debian's archive still has them, the
 * present ones where it doesn't.
 * @param folder gets apt's pins, and has to be there until the files are fetched
 * @throws Failure where the archive can't be asked, or has no way to install them.
 */
export async function selectPackages(image: Image, wanted: Wanted, folder: string): Promise<Selection> {
  const apt = { ...(await openApt(image)), preferences: join(folder, preferencesName) }
  const present = await presentIn(image)
  const known = await knownNames(apt)
  const { names, pins, notes } = choosePackages(wanted, present, known)
  await writeFile(apt.preferences, pins)
  if (names.length === 0) return { files: [], notes, fetch: async () => {} }
  const way = await findWay(apt, names, wanted)
  const files = way.candidates.map(fileOf)
  return {
    files,
    notes: [...notes, ...way.notes, ...otherVersions(wanted, present, way.candidates)],
    fetch: async (to) => {
      const archives = await fetchInstall(way.apt, way.names)
      for (const file of files) await take(join(archives, file), join(to, file))
    },
  }
}

/** Chooses packages as `selectPackages` does, and fetches them into a folder, which is made. */
export async function fetchPackages(image: Image, wanted: Wanted, folder: string): Promise<Selection> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const selection = await selectPackages(image, wanted, folder)
  await selection.fetch(folder)
  return selection
}

const preferencesName = 'preferences'

/** @throws Failure 'refused' for a kernel that no copy can have. */
export async function requireKernel(image: Image, release: string): Promise<void> {
  refuseUnknownKernel(release, await presentIn(image), await knownNames(await openApt(image)))
}

/** The same with the image's packages, and the names that the archive has. */
export function refuseUnknownKernel(
  release: string,
  present: readonly Package[],
  known: ReadonlySet<string>,
): void {
  const wanted = imageOf(release)
  if (known.has(wanted) || present.some(({ name }) => name === wanted)) return
  throw new Failure(
    'refused',
    `Kernel ${release} is neither in Debian's archive nor in the image, so no copy can have it; name another one with --to, or none for the host's newest.`,
  )
}

function imageOf(release: string): string {
  return debian.kernelPackage(release)
}

async function presentIn(image: Image): Promise<Package[]> {
  return parseStatus(await readFile(image.dpkgStatus, 'utf8'))
}

async function openApt(image: Image): Promise<Apt> {
  const directory = join(cacheDirectory(), 'apt')
  const apt = {
    directory,
    sources: join(directory, 'sources'),
    status: image.dpkgStatus,
    preferencesFolder: join(recipeFolder(), 'files/etc/apt/preferences.d'),
  }
  await makeDirectories(directory)
  await renewLists(apt)
  return apt
}

/** Once a day: what was fetched before is then there without a network. */
async function renewLists(apt: Apt): Promise<void> {
  const file = join(apt.sources, 'machine.sources')
  const made = await stat(file).then(({ mtimeMs }) => mtimeMs, ifMissing(0))
  if (Date.now() - made < listsLast) return
  try {
    const { stdout } = await run(join(recipeFolder(), 'sources'), [], { timeoutSeconds: sourcesSeconds })
    await mkdir(join(apt.directory, 'new'), { recursive: true })
    const sources = join(apt.directory, 'new')
    await writeFile(join(sources, 'machine.sources'), stdout)
    await updateLists({ ...apt, sources })
    await mkdir(apt.sources, { recursive: true })
    await copyFile(join(sources, 'machine.sources'), file)
  } catch (error) {
    throw new Failure(
      'failed',
      `Debian's archive can't be asked for the host's packages: ${messageOf(error)}; see that apt-get update works here.`,
      { cause: error },
    )
  }
}

/**
 * Which packages to install by name, and the pins that have apt take the host's versions.
 * @param present the image's packages
 * @param known names that the archive has
 */
export function choosePackages(
  { packages, kernels }: Pick<Wanted, 'packages' | 'kernels'>,
  present: readonly Package[],
  known: ReadonlySet<string>,
): { names: string[]; pins: string; notes: string[] } {
  const there = new Map(present.map(({ name, version }) => [name, version]))
  const usable = packages.filter(
    ({ name, architecture }) => !machinesOwn.test(name) && ['all', 'amd64'].includes(architecture),
  )
  const unknown = usable.filter(({ name }) => !known.has(name) && !there.has(name)).map(({ name }) => name)
  const lacking = usable.filter(({ name, version }) => known.has(name) && there.get(name) !== version)
  const next = kernels.asked ?? kernels.newest
  const pair = [kernels.running, ...(next === null ? [] : [next])].map(imageOf)
  const missing = pair.filter((name) => !there.has(name))
  const criu = packages.some(({ name }) => name === 'criu') ? undefined : there.get('criu')
  return {
    names: [...lacking.map(({ name }) => name), ...missing.filter((name) => known.has(name))],
    pins: lacking.map(pinOf).join('\n'),
    notes: [
      ...(unknown.length > 0 ? [`not in Debian's archive, so not in the copy: ${unknown.join(', ')}`] : []),
      ...missing
        .filter((name) => !known.has(name))
        .map((name) => `${name} is not in Debian's archive any more`),
      ...(criu ? [`the host has no criu, so the copy swaps with the image's ${criu}`] : []),
    ],
  }
}

/** More than 1000 takes an older version than the present one, too (apt_preferences(5)). */
function pinOf({ name, version }: Package): string {
  return `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`
}

interface Way {
  readonly apt: Apt
  readonly names: readonly string[]
  readonly candidates: readonly Candidate[]
  readonly notes: readonly string[]
}

/** Versions that no longer go together are given up first, then all packages but those of the units. */
async function findWay(apt: Apt, names: readonly string[], { units }: Wanted): Promise<Way> {
  const { preferences: _, ...present } = apt
  const ofUnits = names.filter(
    (name) => /^linux-image-/.test(name) || units.some((unit) => unit.package === name),
  )
  const ways = [
    { apt, names, notes: [] },
    {
      apt: present,
      names,
      notes: ["the host's versions don't go together any more, so the copy has the present ones"],
    },
    {
      apt: present,
      names: ofUnits,
      notes: ["the host's packages can't all be installed, so the copy has those of the units"],
    },
  ]
  let complaint = ''
  for (const way of ways) {
    const ended = await simulateInstall(way.apt, way.names)
    if (ended.code === 0) return { ...way, candidates: parseSimulation(ended.stdout) }
    complaint = ended.stderr.trim().split('\n').at(-1) ?? ''
  }
  throw new Failure(
    'failed',
    `Debian's archive has no way to install the host's packages: ${complaint}; see that the host is up to date.`,
  )
}

function otherVersions(
  { packages }: Wanted,
  present: readonly Package[],
  candidates: readonly Candidate[],
): string[] {
  const versions = new Map([...present, ...candidates].map(({ name, version }) => [name, version]))
  const other = packages.flatMap(({ name, version }) => {
    const copys = versions.get(name)
    return machinesOwn.test(name) || copys === undefined || copys === version
      ? []
      : [`${name} ${version} → ${copys}`]
  })
  return other.length === 0
    ? []
    : [`in another version, since Debian's archive no longer has the host's: ${other.join(', ')}`]
}

/** Both are in the cache: a link is enough, where the file system has them. */
async function take(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: unknown) => {
    if (!isErrno(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error
    return copyFile(from, to)
  })
}
