import { CommanderError } from 'commander'
import { createProgram } from './cli/program.ts'
import { Failure, type FailureKind, messageOf } from './errors.ts'

/** Documented in the README; the codes from 64 up are those of sysexits.h. */
const exitCodes: Readonly<Record<FailureKind, number>> = {
  failed: 1,
  usage: 2,
  refused: 3,
  mismatch: 4,
  operator: 5,
  busy: 75,
  permission: 77,
  configuration: 78,
}

const program = createProgram()

// Who follows us may be gone: that must not end a swap.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}
// Whatever a library still holds open must not keep the caller waiting.
process.exit()

function exitCodeOf(error: unknown): number {
  // Commander has printed its own message; --help and --version come this way too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  process.stderr.write(`kernelswap: ${messageOf(error)}\n`)
  if (process.env.KERNELSWAP_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return error instanceof Failure ? exitCodes[error.kind] : exitCodes.failed
}
