import { Command, CommanderError } from 'commander'
import { abandonCommand } from './cli/abandon.ts'
import { adoptCommand } from './cli/adopt.ts'
import { backCommand } from './cli/back.ts'
import { boxCommand } from './cli/box.ts'
import { diffCommand } from './cli/diff.ts'
import { executeCommand } from './cli/execute.ts'
import { hooksCommand } from './cli/hooks.ts'
import { planCommand } from './cli/plan.ts'
import { rehearseCommand } from './cli/rehearse.ts'
import { reportCommand } from './cli/report.ts'
import { resumeCommand } from './cli/resume.ts'
import { runCommand } from './cli/run.ts'
import { snapshotCommand } from './cli/snapshot.ts'
import { statusCommand } from './cli/status.ts'
import { swapMachineCommand } from './cli/swap-machine.ts'
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

const program = new Command('kernelswap')
  .description('Change the running Linux kernel under applications that keep running.')
  .version('0.1.0')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(--help tells how it is used)')

for (const command of [
  planCommand(),
  runCommand(),
  statusCommand(),
  reportCommand(),
  adoptCommand(),
  rehearseCommand(),
  boxCommand(),
  snapshotCommand(),
  diffCommand(),
  hooksCommand(),
  backCommand(),
  resumeCommand(),
  abandonCommand(),
]) {
  program.addCommand(command.exitOverride())
}

program.addCommand(executeCommand().exitOverride(), { hidden: true })
program.addCommand(swapMachineCommand().exitOverride(), { hidden: true })

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
