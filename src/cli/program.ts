import { Command } from 'commander'
import { printable, standardError, standardOutput } from '../printer.ts'
import { version } from '../version.ts'
import { addRemoteOptions } from './verb.ts'

/** Makes a verb. What verbs do is loaded once one is wanted, and whole: a file that is missing later would leave work half done. */
type Load = () => Promise<Command>
const host = () => import('./host-verbs.ts')
const rehearsals = () => import('./rehearsal-verbs.ts')

/** In the order of --help. */
const verbs: Readonly<Record<string, Load>> = {
  plan: async () => (await host()).planCommand(),
  run: async () => (await host()).runCommand(),
  status: async () => (await host()).statusCommand(),
  report: async () => (await host()).reportCommand(),
  kernels: async () => (await host()).kernelsCommand(),
  adopt: async () => (await host()).adoptCommand(),
  schedule: async () => (await host()).scheduleCommand(),
  doctor: async () => (await host()).doctorCommand(),
  config: async () => (await host()).configCommand(),
  rehearse: async () => (await rehearsals()).rehearseCommand(),
  box: async () => (await rehearsals()).boxCommand(),
  snapshot: async () => (await host()).snapshotCommand(),
  diff: async () => (await host()).diffCommand(),
  hooks: async () => (await host()).hooksCommand(),
  bundle: async () => (await host()).bundleCommand(),
  back: async () => (await host()).backCommand(),
  resume: async () => (await host()).resumeCommand(),
  abandon: async () => (await host()).abandonCommand(),
}

/** Loaded with the clients of rehearsals. */
const ofRehearsals: ReadonlySet<string> = new Set(['rehearse', 'box', 'swap-machine'])

/** Not for people. */
const hiddenVerbs: typeof verbs = {
  execute: async () => (await host()).executeCommand(),
  evacuation: async () => (await host()).evacuationCommand(),
  'swap-machine': async () => (await rehearsals()).swapMachineCommand(),
}

/**
 * The command line. Help, manual pages and completions are made from it.
 * Errors of usage are thrown (CommanderError), not exited with.
 * @param words what was typed: verbs of a kind that none of them is of are left out
 */
export async function createProgram(words: readonly string[] = []): Promise<Command> {
  const program = new Command('kernelswap')
    .description('Change the running Linux kernel under applications that keep running.')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help tells how it is used)')

  const isWanted = wantedAmong(words)
  for (const [name, load] of Object.entries(verbs)) if (isWanted(name)) program.addCommand(await load())
  for (const [name, load] of Object.entries(hiddenVerbs))
    if (isWanted(name)) program.addCommand(await load(), { hidden: true })

  addRemoteOptions(program)
  setUp(program)
  return program
}

function wantedAmong(words: readonly string[]): (verb: string) => boolean {
  if (words.length === 1 && ['-V', '--version'].includes(words[0]!)) return () => false
  const named = words.filter((word) => Object.hasOwn(verbs, word) || Object.hasOwn(hiddenVerbs, word))
  // Those that are loaded together come together: one may ask for another, as `--host … run` does for the plan.
  return (verb) =>
    named.length === 0 || named.some((name) => ofRehearsals.has(name) === ofRehearsals.has(verb))
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
