import type { Command } from 'commander'
import { type AbiResult, diffSnapshots } from '../abi/diff.ts'
import type { Snapshot } from '../abi/snapshot.ts'
import { Failure, messageOf } from '../errors.ts'
import { readRegularFile } from '../regular-file.ts'
import { snapshotSchema } from './documents.ts'
import { createOutput } from './output.ts'
import { Verb } from './verb.ts'

/** `kernelswap diff`: compare two snapshots. */
export function diffCommand(): Command {
  return new Verb('diff')
    .summary('compare two snapshots')
    .description(
      'Compares two files that `kernelswap snapshot` printed, facet by facet: a line for each difference, then how\n' +
        'many facets are equal, explained (they rightly move or may differ), differing, unverified. If both were\n' +
        'taken with --strict, nothing may have moved between them.\n' +
        'Exit code 0: nothing differs; 1: something does.',
    )
    .argument('<before>', 'a snapshot')
    .argument('<after>', 'a later one of the same processes')
    .option('--json', 'print one JSON document, with all reasons', false)
    .action(async (before: string, after: string, options: { json: boolean }) => {
      const [was, is] = await Promise.all([readSnapshot(before), readSnapshot(after)])
      const result = compare(was, is)
      createOutput(options).result(result, diffText(result))
      if (result.differences.length > 0) process.exitCode = 1
    })
}

/** A large service's is 5 MB; no string in JavaScript has more than twice this. */
const mostBytes = 256 << 20

/**
 * Reads what `kernelswap snapshot` printed.
 * @throws Failure 'usage' for anything else.
 */
export async function readSnapshot(file: string): Promise<Snapshot> {
  const text = await readRegularFile(file, mostBytes).catch((error: unknown) => {
    throw new Failure('usage', `${file} can't be read: ${messageOf(error)}.`)
  })
  const snapshot = parse(String(text))
  if (!isSnapshot(snapshot))
    throw new Failure('usage', `${file} is no snapshot; \`kernelswap snapshot UNIT >${file}\` makes one.`)
  return snapshot
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  return snapshotSchema.safeParse(value).success
}

/** A facet that meets what it never writes can't go on. */
function compare(was: Snapshot, is: Snapshot): AbiResult {
  try {
    return diffSnapshots(was, is, { strict: was.strict && is.strict })
  } catch (error) {
    throw new Failure(
      'usage',
      `The snapshots can't be compared: one of them is damaged (${messageOf(error)}).`,
      {
        cause: error,
      },
    )
  }
}

/** A comparison for people, line by line. */
export function diffText({ differences, facets }: AbiResult): string[] {
  const { equal, explained, differing, unverified } = facets
  return [
    ...differences.map(({ task, facet, line }) => `${task} ${facet}: ${line}`),
    `${equal} facets equal, ${explained} explained, ${differing} differing, ${unverified} unverified`,
  ]
}
