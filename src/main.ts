import { CommanderError } from 'commander'
import { exitCodeOf } from './cli/exit-codes.ts'
import { createProgram } from './cli/program.ts'
import { Failure, messageOf } from './errors.ts'

const program = createProgram()

// Who follows us may be gone: that must not end a swap.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
// Whatever a library still holds open must not keep the caller waiting.
process.exit()

function report(error: unknown): number {
  // Commander has printed its own message; --help and --version come this way too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodeOf(new Failure('usage', ''))
  process.stderr.write(`kernelswap: ${messageOf(error)}\n`)
  if (process.env.KERNELSWAP_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return exitCodeOf(error)
}
