import { BtfError } from '../btf/btf.ts'
import { compareTypes, type TypeChanges } from '../btf/compare.ts'
import { ElfError } from '../btf/elf.ts'
import { Failure, messageOf } from '../errors.ts'
import { ProgramError } from '../host/local.ts'
import { thisDistribution } from '../os/distributions.ts'
import type { KernelFiles } from '../os/kernel-files.ts'
import { type ChangelogDifference, changelogDifference } from './changelog.ts'
import { configurationDifference } from './configuration.ts'
import { readInstalledKernel } from './installed.ts'
import { typesOf } from './types.ts'

/**
 * Whether a live patch could have taken the one kernel to the other, as far as data is concerned:
 * - `same`: every structure that both have lies in memory as before;
 * - `padding`: all lies as before, and new members lie where nothing was;
 * - `changed`: something lies elsewhere, so what is in memory can't be read as it is.
 */
export type LayoutVerdict = 'same' | 'padding' | 'changed'

interface KernelName {
  readonly release: string
  /** The package's version. */
  readonly version: string | null
}

/** What separates two kernels. What couldn't be found out is null, and a note says why. */
export interface KernelComparison {
  readonly schema: 'kernelswap.kernels-diff/1'
  readonly from: KernelName
  readonly to: KernelName
  readonly changelog: ChangelogDifference | null
  readonly layout: LayoutVerdict | null
  readonly types: TypeChanges | null
  /** Options of the configuration that differ: what changes structures may be those. */
  readonly options: readonly string[] | null
  readonly notes: readonly string[]
}

/**
 * Compares two kernels, each the release of an installed one or the path of a package file.
 * @throws Failure 'usage' where there is no such kernel.
 */
export async function compareKernels(
  from: string,
  to: string,
  say: (line: string) => void = () => {},
): Promise<KernelComparison> {
  const notes: string[] = []
  say(`reading ${from}`)
  const before = await readKernel(from)
  say(`reading ${to}`)
  const after = await readKernel(to)
  const types = await compareTypesOf(before, after, notes, say)
  return {
    schema: 'kernelswap.kernels-diff/1',
    from: nameOf(before),
    to: nameOf(after),
    changelog: compareChangelogs(before, after, notes),
    layout: types && layoutVerdict(types),
    types,
    options: compareConfigurations(before, after, notes),
    notes,
  }
}

/** A name with a slash in it, or that ends as packages do, is a package's file. */
function readKernel(name: string): Promise<KernelFiles> {
  const distribution = thisDistribution()
  const isFile = name.includes('/') || distribution.isPackageFile(name)
  return isFile ? distribution.readKernelPackage(name) : readInstalledKernel(name)
}

function nameOf({ release, version }: KernelFiles): KernelName {
  return { release, version: version ?? null }
}

/** What a structure became counts, not how many did. */
export function layoutVerdict({ records }: Pick<TypeChanges, 'records'>): LayoutVerdict {
  const effects = new Set(records.map(({ effect }) => effect))
  if (effects.has('changed') || effects.has('carried')) return 'changed'
  return effects.has('padding') ? 'padding' : 'same'
}

async function compareTypesOf(
  before: KernelFiles,
  after: KernelFiles,
  notes: string[],
  say: (line: string) => void,
): Promise<TypeChanges | null> {
  try {
    say('reading the types of both')
    const [was, is] = [await typesOf(before), await typesOf(after)]
    say('comparing them')
    const changes = compareTypes(was, is)
    if (changes.exports === null)
      notes.push("exports can't be compared: the running kernel's files are gone or replaced")
    return changes
  } catch (error) {
    const isExpected = [Failure, BtfError, ElfError, ProgramError].some((kind) => error instanceof kind)
    if (!isExpected) throw error
    notes.push(`types can't be compared: ${messageOf(error)}`)
    return null
  }
}

function compareChangelogs(
  before: KernelFiles,
  after: KernelFiles,
  notes: string[],
): ChangelogDifference | null {
  const { changelog } = after
  const difference = changelog === undefined ? undefined : changelogDifference(before, { changelog })
  if (difference) return difference
  notes.push(
    changelog === undefined
      ? `fixes can't be counted: kernel ${after.release} has no changelog here`
      : `fixes can't be counted: the changelog of ${after.release} doesn't tell of ${before.version ?? before.release}`,
  )
  return null
}

function compareConfigurations(before: KernelFiles, after: KernelFiles, notes: string[]): string[] | null {
  if (before.config !== undefined && after.config !== undefined)
    return configurationDifference(before.config, after.config)
  const { release } = before.config === undefined ? before : after
  notes.push(`configurations can't be compared: kernel ${release} has no config file here`)
  return null
}
