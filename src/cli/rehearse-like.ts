import { basename } from 'node:path'
import type { Image } from '../rehearsal/image.ts'
import { secretsOf } from '../rehearsal/like/likeness.ts'
import type { Prediction } from '../rehearsal/like/prediction.ts'
import { studyHost } from '../rehearsal/like/study.ts'
import { resolveKernel } from '../rehearsal/rehearse.ts'
import { parseDestination } from '../remote/destination.ts'
import { remoteHost, unreachable } from '../remote/host.ts'
import { serviceName } from '../tools/unit-name.ts'
import { askSecret } from './ask.ts'
import { type Output, table } from './output.ts'

export interface LikeOptions {
  /** The host, as it is named on the command line. */
  readonly like: string
  /** The kernel to swap to; undefined: the host's newest. */
  readonly to: string | undefined
  readonly unit: readonly string[]
  readonly withData: readonly string[]
  /** Read instead of ~/.ssh/config. */
  readonly sshConfig: string | undefined
}

/** Reads a host, and keeps what a machine like it takes; returns the name of that copy. */
export async function copyHost(options: LikeOptions, image: Image, output: Output): Promise<string> {
  const data = options.withData.map((path) => path.replace(/\/+$/, ''))
  const kernel = options.to === undefined ? undefined : resolveKernel(image, options.to)
  const wanted = { units: options.unit.map(serviceName), data, kernel }
  const host = remoteHost(parseDestination(options.like), { configFile: options.sshConfig, ask: askSecret })
  try {
    await host.runAsUser('true', []).catch((error: unknown) => {
      throw unreachable(host.name, error)
    })
    const { folder, likeness } = await studyHost(host, wanted, image, output.say)
    // Now, since whatever comes next may fail, and they are here.
    for (const line of secretsText(host.name, { folder, files: secretsOf(likeness) })) output.say(line)
    return basename(folder)
  } finally {
    host.close()
  }
}

/** Prints a prediction, and sets the exit code that goes with it. */
export function tellPrediction(prediction: Prediction, output: Output): void {
  output.conclude({ kind: 'prediction', prediction }, predictionText(prediction))
  if (!isPreserved(prediction)) process.exitCode = 1
}

/** True where a swap of the host would preserve every unit. */
export function isPreserved({ units, obstacles }: Pick<Prediction, 'units' | 'obstacles'>): boolean {
  return obstacles.length === 0 && units.every(({ outcome }) => outcome === 'preserved')
}

const words = { preserved: 'preserved', 'needs-adopt': 'needs adopt', cannot: "can't" } as const

/** A prediction for people, line by line. */
export function predictionText({ host, kernel, units, notes, secrets }: Prediction): string[] {
  const rows = units.map(({ unit, outcome, reason }) => [unit, words[outcome], reason ?? ''])
  return [
    `${host}, by a swap of a machine like it: ${kernel.from} → ${kernel.to}`,
    '',
    ...table([['UNIT', 'OUTCOME', 'REASON'], ...rows]),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `note: ${note}`)] : []),
    ...(secrets.files.length > 0 ? ['', ...secretsText(host, secrets)] : []),
  ]
}

/** Names what was copied that not everybody on the host may read, for people. */
export function secretsText(host: string, { folder, files }: Prediction['secrets']): string[] {
  if (files.length === 0) return []
  return [`secrets of ${host}, now in ${folder}:`, ...files.map((file) => `  ${file}`)]
}
