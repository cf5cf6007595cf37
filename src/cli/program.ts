import { Command } from 'commander'
import { abandonCommand } from './abandon.ts'
import { adoptCommand } from './adopt.ts'
import { backCommand } from './back.ts'
import { configCommand } from './config.ts'
import { diffCommand } from './diff.ts'
import { doctorCommand } from './doctor.ts'
import { executeCommand } from './execute.ts'
import { hooksCommand } from './hooks.ts'
import { planCommand } from './plan.ts'
import { rehearseCommand } from './rehearse.ts'
import { reportCommand } from './report.ts'
import { resumeCommand } from './resume.ts'
import { runCommand } from './run.ts'
import { scheduleCommand } from './schedule.ts'
import { snapshotCommand } from './snapshot.ts'
import { statusCommand } from './status.ts'

/**
 * The whole command line. Help, manual pages and completions are made from it.
 * Errors of usage are thrown (CommanderError), not exited with.
 */
export function createProgram(): Command {
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
    scheduleCommand(),
    doctorCommand(),
    configCommand(),
    rehearseCommand(),
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
  return program
}
