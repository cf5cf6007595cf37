import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf } from '../src/errors.ts'
import { attempt } from '../src/host/local.ts'
import { ensureImage, type Image } from '../src/rehearsal/image.ts'
import { setUpNetwork } from '../src/rehearsal/sandbox.ts'
import { version } from '../src/version.ts'
import { chart } from './chart.ts'
import { copySeconds, type Guest, withGuest } from './guest.ts'
import { measureFloor, measureKexec, measurePrediction, measureReboot, measureSwap } from './measure.ts'
import { type Figure, type Load, type Options, parseOptions } from './options.ts'
import { type Results, withFigures } from './results.ts'
import { judge } from './targets.ts'
import { loadText, resultsText } from './text.ts'

/** Where results are kept, below the checkout that we are called in. */
const RESULTS = 'bench/results'
const LOGS = 'test-results/bench'
const COPIED_MEBIBYTES = 256

const say = (line: string) => void process.stderr.write(`${line}\n`)

/** `npm run bench`: how long a swap keeps services away, and what else would have. Runs in the sandbox of rehearsals. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (!options.wall) process.env.KERNELSWAP_ACCEL = 'icount'
  await setUpNetwork()
  await letPeersBePatient()
  const image = await ensureImage(say)
  const results = await measureAll(image, options)
  process.stdout.write(`${resultsText(results)}\n\n${nameOf(results)}.json, .svg\n`)
}

/** A host that leaves the machine little makes an outage last longer than TCP waits by itself (15 min, tcp(7)). */
function letPeersBePatient(): Promise<void> {
  return writeFile('/proc/sys/net/ipv4/tcp_retries2', '100')
}

/** Measures what was asked for, each in a machine of its own. What can't be had doesn't keep us from the rest. */
async function measureAll(image: Image, options: Options): Promise<Results> {
  let results: Results = {
    schema: 'kernelswap.bench/1',
    date: new Date().toISOString(),
    clock: options.wall ? 'wall' : 'icount',
    versions: await versions(image),
    loads: options.loads.map((load) => ({ load })),
    problems: [],
  }
  for (const job of jobs(image, options)) {
    const name = `${job.figure}, ${loadText(job.load)}`
    const directory = join(LOGS, `${job.figure}-${job.load.size}-${job.load.services}`)
    say(`== ${name}`)
    try {
      const measured = await withGuest(image, job.load, directory, say, job.measure)
      results = measured(results)
    } catch (error) {
      say(messageOf(error))
      const problem = `${name} was not measured: ${messageOf(error)}`
      results = { ...results, problems: [...results.problems, problem] }
    }
    // A run takes long; what it has so far outlives whatever ends it.
    await keep(results)
  }
  return results
}

interface Job {
  readonly figure: Figure
  readonly load: Load
  readonly measure: (guest: Guest) => Promise<(results: Results) => Results>
}

function jobs(image: Image, { loads, figures }: Options): Job[] {
  const release = image.kernels['newest-stable']
  const first = loads[0]!
  const once: Job[] = [
    {
      figure: 'floor',
      load: first,
      measure: async (guest) => {
        const floor = await measureFloor(guest, release)
        return (results) => ({ ...results, floor })
      },
    },
    {
      figure: 'prediction',
      load: first,
      measure: async (guest) => {
        const back = image.kernels['older-stable']
        const prediction = await measurePrediction(guest, [release, back], say)
        return (results) => ({ ...results, prediction })
      },
    },
  ]
  const isGrowing = loads.some(({ size }) => size !== first.size)
  const copying: Job = {
    figure: 'copy',
    load: first,
    measure: async ({ machine }) => {
      const seconds = await copySeconds(machine, COPIED_MEBIBYTES)
      return (results) => ({ ...results, copyGibibyte: (seconds * 1024) / COPIED_MEBIBYTES })
    },
  }
  const each = loads.flatMap((load): Job[] => [
    {
      figure: 'swap',
      load,
      measure: async (guest) => withFigures(load, { swap: await measureSwap(guest, release, say) }),
    },
    {
      figure: 'kexec',
      load,
      measure: async (guest) => withFigures(load, { kexec: await measureKexec(guest, release) }),
    },
    {
      figure: 'reboot',
      load,
      measure: async (guest) => withFigures(load, { reboot: await measureReboot(guest) }),
    },
  ])
  // Growth with memory alone is compared with copying it.
  return [...once, ...(isGrowing ? [copying] : []), ...each].filter(({ figure }) => figures.includes(figure))
}

async function versions(image: Image): Promise<Record<string, string>> {
  const line = async (program: string, args: string[]) =>
    (await attempt(program, args)).stdout.split('\n')[0]!.trim()
  return {
    kernelswap: version,
    commit: await line('git', ['describe', '--always', '--dirty']).catch(() => 'unknown'),
    'from kernel': image.kernels['older-stable'],
    'to kernel': image.kernels['newest-stable'],
    qemu: await line('qemu-system-x86_64', ['--version']),
    ...image.packages,
  }
}

/** Writes the results with their verdicts, and the chart beside them. */
async function keep(results: Results): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  const name = nameOf(results)
  await writeFile(`${name}.json`, `${JSON.stringify({ ...results, targets: judge(results) }, null, 2)}\n`)
  await writeFile(`${name}.svg`, chart(results))
}

function nameOf({ date, clock }: Results): string {
  return join(RESULTS, `${date.slice(0, 16).replaceAll(/[-:]/g, '')}-${clock}`)
}

// We are process 1 of the sandbox, which hears no signal without a handler; our end is the end of everything in it.
process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
try {
  await main()
  process.exit()
} catch (error) {
  say(messageOf(error))
  process.exitCode = error instanceof Failure && error.kind === 'usage' ? 2 : 1
}
