// Runs the tests of some projects, and ends with one report:
//   node scripts/tests.js unit programs machine
//   node scripts/tests.js machine test/machine/abort.test.ts
//   node scripts/tests.js machine --testNamePattern=clients
// Options go to vitest, with their value in one word. Two machines run side by side where there is room for them: each
// takes a processor and 2 GiB, and has its own sandbox, since all of them have the same address. Other tests run
// beside the first machine while it is prepared.
import { rm } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { basename } from 'node:path'
import { execa } from 'execa'

const reports = 'test-results/parts'
const parts = availableParallelism() > 1 && totalmem() > 8 * 2 ** 30 ? 2 : 1
const words = process.argv.slice(2)
const options = words.filter((word) => word.startsWith('-'))
const projects = words.filter((word) => ['unit', 'programs', 'machine'].includes(word))
const filters = words.filter((word) => !options.includes(word) && !projects.includes(word))
const start = execa({ stdio: 'inherit', reject: false, preferLocal: true })
const sandboxed = ['node', 'scripts/sandboxed.js']

await rm(reports, { recursive: true, force: true })
const waiting = (await Promise.all(projects.map((project) => jobsOf(project)))).flat()
const ended = (await Promise.all(Array.from({ length: parts }, runWaiting))).flat()
const reporters = ['--reporter=default', '--reporter=./test/closing-line.ts']
const merged = await start('vitest', ['run', `--merge-reports=${reports}`, ...reporters])
// A run that never came to its report fails the whole.
process.exitCode = Math.max(merged.exitCode ?? 1, ...ended)

async function jobsOf(project) {
  if (project !== 'machine') return [{ name: project, command: vitest(project, ...filters) }]
  // Installs what is missing, and builds the image, once for all.
  const ready = await start(sandboxed[0], [...sandboxed.slice(1), 'true'])
  if (ready.exitCode !== 0) process.exit(ready.exitCode)
  const files = await machineFiles()
  return files.map((file) => ({ name: basename(file), command: [...sandboxed, ...vitest('machine', file)] }))
}

/** The files that have tests, those first that take longest, so that nobody waits for them at the end. */
async function machineFiles() {
  const listed = await execa({
    preferLocal: true,
  })`vitest list ${filters} --project machine --filesOnly --json`
  const longest = ['swap.test.ts', 'faults.test.ts', 'abort.test.ts', 'fallback.test.ts']
  const files = JSON.parse(listed.stdout).map(({ file }) => file)
  const first = longest.flatMap((name) => files.filter((file) => basename(file) === name))
  return [...new Set([...first, ...files])]
}

function vitest(project, ...files) {
  return ['vitest', 'run', '--project', project, ...files, ...options]
}

/** One job after the other, until none is left, and how each ended. */
async function runWaiting() {
  const codes = []
  for (let job = waiting.shift(); job; job = waiting.shift()) {
    const blob = ['--reporter=blob', `--outputFile.blob=${reports}/${job.name}.json`]
    const [program, ...args] = job.command
    const { exitCode } = await start(program, [...args, '--reporter=default', ...blob, '--passWithNoTests'])
    codes.push(exitCode ?? 1)
  }
  return codes
}
