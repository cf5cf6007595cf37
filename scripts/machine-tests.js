// Runs the tests in machines and ends with one report. Two machines run side by side where there is room for them:
// each takes a processor and 2 GiB, and has its own sandbox, since all of them have the same address.
// Arguments go to vitest: npm run test:machine -- --testNamePattern clients
import { rm } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { execa } from 'execa'

const reports = 'test-results/parts'
const parts = availableParallelism() > 1 && totalmem() > 8 * 2 ** 30 ? 2 : 1
const run = execa({ stdio: 'inherit', reject: false, preferLocal: true })
const sandboxed = (...command) => run('node', ['scripts/sandboxed.js', ...command])

await rm(reports, { recursive: true, force: true })
// Installs what is missing, and builds the image, once for all parts.
const ready = await sandboxed('true')
if (ready.exitCode !== 0) process.exit(ready.exitCode)

const vitest = ['vitest', 'run', '--project', 'machine', ...process.argv.slice(2)]
const numbers = Array.from({ length: parts }, (_, index) => index + 1)
const ended = await Promise.all(
  numbers.map((part) =>
    sandboxed(
      ...vitest,
      '--reporter=default',
      '--reporter=blob',
      `--shard=${part}/${parts}`,
      `--outputFile.blob=${reports}/${part}.json`,
    ),
  ),
)
const reporters = ['--reporter=default', '--reporter=./test/closing-line.ts']
const merged = await run('vitest', ['run', `--merge-reports=${reports}`, ...reporters])
// A part that never came to its report fails the whole.
process.exitCode = Math.max(merged.exitCode ?? 1, ...ended.map(({ exitCode }) => exitCode ?? 1))
