import { Command } from 'commander'
import { printable, standardError, standardOutput } from '../printer.ts'
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
import { kernelsCommand } from './kernels.ts'
import { planCommand } from './plan.ts'
import { rehearseCommand } from './rehearse.ts'
import { reportCommand } from './report.ts'
import { resumeCommand } from './resume.ts'
import { runCommand } from './run.ts'
import { scheduleCommand } from './schedule.ts'
import { snapshotCommand } from './snapshot.ts'
import { statusCommand } from './status.ts'
import { swapMachineCommand } from './swap-machine.ts'
import { addRemoteOptions } from './verb.ts'

/**
 * The whole command line. Help, manual pages and completions are made from it.
 * Errors of usage are thrown (CommanderError), not exited with.
 */
export function createProgram(): Command {
  const program = new Command('kernelswap')
    .description('Change the running Linux kernel under applications that keep running.')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help tells how it is used)')

  for (const command of [
    planCommand(),
    runCommand(),
    statusCommand(),
    reportCommand(),
    kernelsCommand(),
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
    program.addCommand(command)
  }

  for (const command of [executeCommand(), evacuationCommand(), swapMachineCommand()])
    program.addCommand(command, { hidden: true })

  addRemoteOptions(program)
  setUp(program)
  return program
}

/** What Commander hands down to none of the commands that are made apart. */
function setUp(command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => standardOutput.lines(linesOf(text)),
    writeErr: (text) => standardError.lines(linesOf(text)),
    outputError: (text, write) => write(`${oneLine(text)}\n`),
  })
  for (const inner of command.commands) setUp(inner)
  // Its own prints everything for a name that it doesn't know.
  if (
    command
      .createHelp()
      .visibleCommands(command)
      .some((inner) => inner.name() === 'help')
  )
    command.helpCommand(false).addCommand(helpCommand(command))
}

function helpCommand(parent: Command): Command {
  return new Command('help')
    .exitOverride()
    .summary('display help for command')
    .argument('[command]')
    .helpOption(false)
    .action((name: string | undefined) => {
      const command = name === undefined ? parent : parent.commands.find((each) => each.name() === name)
      return command ? command.help() : parent.error(`error: unknown command '${name}'`)
    })
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n')
}

/** A message holds what was typed; a line of its own is only what it suggests instead. */
function oneLine(text: string): string {
  const [, message, suggestion] = /^([\s\S]*?)(\n\(Did you mean [^\n]*\))?\n*$/.exec(text)!
  return `${printable(message!)}${suggestion ?? ''}`
}
