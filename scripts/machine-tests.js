// Runs the tests in machines and ends with one report. Two machines run side by side where there is room for them:
// each takes a processor and 2 GiB, and has its own sandbox, since all of them have the same address.
// Arguments go to vitest, options with their value in one word:
//   npm run test:machine -- test/machine/abort.test.ts
//   npm run test:machine -- --testNamePattern=clients
import { rm } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { basename } from 'node:path'
import { execa } from 'execa'

const reports = 'test-results/parts'
const parts = availableParallelism() > 1 && totalmem() > 8 * 2 ** 30 ? 2 : 1
const project = ['--project', 'machine']
const isOption = (word) => word.startsWith('-')
const options = process.argv.slice(2).filter(isOption)
const filters = process.argv.slice(2).filter((word) => !isOption(word))
const start = execa({ stdio: 'inherit', reject: false, preferLocal: true })
const sandboxed = (...command) => start('node', ['scripts/sandboxed.js', ...command])

await rm(reports, { recursive: true, force: true })
// Installs what is missing, and builds the image, once for all.
const ready = await sandboxed('true')
if (ready.exitCode !== 0) process.exit(ready.exitCode)

const waiting = await testFiles()
const ended = (await Promise.all(Array.from({ length: parts }, runWaiting))).flat()
const reporters = ['--reporter=default', '--reporter=./test/closing-line.ts']
const merged = await start('vitest', ['run', `--merge-reports=${reports}`, ...reporters])
// A file that never came to its report fails the whole.
process.exitCode = Math.max(merged.exitCode ?? 1, ...ended)

/** The files that have tests, those first that take longest, so that nobody waits for them at the end. */
async function testFiles() {
  const listed = await execa({ preferLocal: true })`vitest list ${filters} ${project} --filesOnly --json`
  const longest = ['swap.test.ts', 'faults.test.ts', 'abort.test.ts', 'fallback.test.ts']
  const files = JSON.parse(listed.stdout).map(({ file }) => file)
  const first = longest.flatMap((name) => files.filter((file) => basename(file) === name))
  return [...new Set([...first, ...files])]
}

/** One file after the other, until none is left, and how each ended. */
async function runWaiting() {
  const codes = []
  for (let file = waiting.shift(); file; file = waiting.shift()) {
    const blob = ['--reporter=blob', `--outputFile.blob=${reports}/${basename(file)}.json`]
    const { exitCode } = await sandboxed(
      ...['vitest', 'run', ...project, file, ...options],
      ...['--reporter=default', ...blob, '--passWithNoTests'],
    )
    codes.push(exitCode ?? 1)
  }
  return codes
}
