import { CommanderError } from 'commander'
import { exitCodeOf } from './cli/exit-codes.ts'
import { createOutput, type Format } from './cli/output.ts'
import { createProgram } from './cli/program.ts'
import { Failure, messageOf } from './errors.ts'
import { standardError, standardOutput } from './printer.ts'

/** How long a reader may take none of our output before we end without it, in seconds: a pager waits for its user. */
const readerLimit = 600

/** As the verb that runs was told to say things. */
let output = createOutput({})

// A mistake of ours: it is told as any other failure is.
process.once('uncaughtException', (error) => void end(report(error)))

const program = await createProgram(process.argv.slice(2))
program.hook('preAction', (_, command) => {
  output = createOutput(command.opts<Format>())
})
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
await end(process.exitCode)

function report(error: unknown): number {
  // Commander has printed its own message; --help and --version come this way too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodeOf(new Failure('usage', ''))
  const failure = error instanceof Failure ? error.kind : 'failed'
  const exitCode = exitCodeOf(error)
  output.tell({ kind: 'failure', failure, exitCode, message: messageOf(error) })
  if (process.env.KERNELSWAP_DEBUG && error instanceof Error)
    standardError.lines(`${error.stack}`.split('\n'))
  return exitCode
}

/** Ends once all is written. Whatever a library still holds open must not keep the caller waiting. */
async function end(code: typeof process.exitCode): Promise<never> {
  const problem = await standardOutput.flush(readerLimit)
  if (problem !== undefined)
    standardError.line(`kernelswap: Standard output could not be written: ${messageOf(problem)}.`)
  await standardError.flush(readerLimit)
  process.exit(problem === undefined ? code : code || exitCodeOf(problem))
}
