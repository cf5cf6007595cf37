import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf } from '../src/errors.ts'
import { attempt } from '../src/host/local.ts'
import { ensureImage, type Image } from '../src/rehearsal/image.ts'
import { setUpNetwork } from '../src/rehearsal/sandbox.ts'
import { version } from '../src/version.ts'
import { chart } from './chart.ts'
import { copySeconds, type Guest, withGuest } from './guest.ts'
import { measureFloor, measureKexec, measureReboot, measureSwap } from './measure.ts'
import { type Figure, type Load, type Options, parseOptions } from './options.ts'
import type { LoadResult, Results } from './results.ts'
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
  const image = await ensureImage(say)
  const results = await measureAll(image, options)
  await keep(results)
  process.stdout.write(`${resultsText(results)}\n`)
}

async function measureAll(image: Image, { wall, loads, figures }: Options): Promise<Results> {
  const problems: string[] = []
  const bench = createBench(image, figures, problems)
  const release = image.kernels['newest-stable']
  const first = loads[0]!
  const floor = await bench('floor', first, (guest) => measureFloor(guest, release))
  const measured: LoadResult[] = []
  for (const load of loads) {
    const swap = await bench('swap', load, (guest) => measureSwap(guest, release, say))
    const kexec = await bench('kexec', load, (guest) => measureKexec(guest, release))
    const reboot = await bench('reboot', load, measureReboot)
    measured.push({ load, ...defined({ swap, kexec, reboot }) })
  }
  // Only growth with memory is compared with it.
  const copying = new Set(loads.map(({ size }) => size)).size > 1
  const copy = copying
    ? await bench('swap', first, ({ machine }) => copySeconds(machine, COPIED_MEBIBYTES))
    : undefined
  return {
    schema: 'kernelswap.bench/1',
    date: new Date().toISOString(),
    clock: wall ? 'wall' : 'icount',
    versions: await versions(image),
    loads: measured,
    problems,
    ...defined({ floor, copyGibibyte: copy && (copy * 1024) / COPIED_MEBIBYTES }),
  }
}

/** Measures a figure that was asked for in a machine of its own. One that can't be had doesn't keep us from the others. */
function createBench(image: Image, figures: readonly Figure[], problems: string[]) {
  return async <T>(
    figure: Figure,
    load: Load,
    measure: (guest: Guest) => Promise<T>,
  ): Promise<T | undefined> => {
    if (!figures.includes(figure)) return undefined
    const name = `${figure}, ${loadText(load)}`
    const directory = join(LOGS, `${figure}-${load.size}-${load.services}`)
    say(`== ${name}`)
    try {
      return await withGuest(image, load, directory, say, measure)
    } catch (error) {
      const problem = `${name} was not measured: ${messageOf(error)}`
      say(problem)
      problems.push(problem)
      return undefined
    }
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
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
  const name = join(RESULTS, `${results.date.slice(0, 16).replaceAll(/[-:]/g, '')}-${results.clock}`)
  await writeFile(`${name}.json`, `${JSON.stringify({ ...results, targets: judge(results) }, null, 2)}\n`)
  await writeFile(`${name}.svg`, chart(results))
  say(`${name}.json, ${name}.svg`)
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
