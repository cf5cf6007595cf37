import { Command } from 'commander'
import { version } from '../version.ts'
import { abandonCommand } from './abandon.ts'
import { adoptCommand } from './adopt.ts'
import { backCommand } from './back.ts'
import { boxCommand } from './box.ts'
import { bundleCommand } from './bundle.ts'
import { configCommand } from './config.ts'
import { diffCommand } from './diff.ts'
import { doctorCommand } from './doctor.ts'
import { evacuationCommand } from './evacuation.ts'
import { executeCommand } from './execute.ts'
import { hooksCommand } from './hooks.ts'
import { planCommand } from './plan.ts'
import { rehearseCommand } from './rehearse.ts'
import { addRemoteOptions } from './remote.ts'
import { reportCommand } from './report.ts'
import { resumeCommand } from './resume.ts'
import { runCommand } from './run.ts'
import { scheduleCommand } from './schedule.ts'
import { snapshotCommand } from './snapshot.ts'
import { statusCommand } from './status.ts'
import { swapMachineCommand } from './swap-machine.ts'

/**
 * The whole command line. Help, manual pages and completions are made from it.
 * Errors of usage are thrown (CommanderError), not exited with.
 */
export function createProgram(): Command {
  const program = new Command('kernelswap')
    .description('Change the running Linux kernel under applications that keep running.')
    .version(version)
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
    boxCommand(),
    snapshotCommand(),
    diffCommand(),
    hooksCommand(),
    bundleCommand(),
    backCommand(),
    resumeCommand(),
    abandonCommand(),
  ]) {
    program.addCommand(command.exitOverride())
  }

  for (const command of [executeCommand(), evacuationCommand(), swapMachineCommand()])
    program.addCommand(command.exitOverride(), { hidden: true })

  addRemoteOptions(program)
  return program
}
