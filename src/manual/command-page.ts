import type { Command } from 'commander'
import { exitCodes } from '../cli/exit-codes.ts'
import { bold, literal, pageHead, roff, section, tagged } from './roff.ts'

/** kernelswap(8), from the command line itself. */
export function commandPage(program: Command): string {
  const help = program.createHelp()
  return [
    pageHead(
      'kernelswap',
      8,
      'change the running Linux kernel under applications that keep running',
      program.version()!,
    ),
    section('SYNOPSIS', `${bold('kernelswap')} ${roff('VERB [OPTION…] [ARGUMENT…]')}`),
    section(
      'DESCRIPTION',
      roff(
        'Checkpoints systemd services with CRIU, jumps into another kernel with kexec and restores them there.',
      ),
      '.PP',
      roff('Every verb knows --help.'),
    ),
    section(
      'OPTIONS',
      ...help
        .visibleOptions(program)
        .map((option) => tagged(bold(option.flags), help.optionDescription(option))),
    ),
    section(
      'VERBS',
      ...help.visibleCommands(program).flatMap((command) => commandPart(command, ['kernelswap'])),
    ),
    section('EXIT STATUS', ...exitCodes.map(({ code, means }) => tagged(bold(String(code)), means))),
    section(
      'FILES',
      tagged(bold('/etc/kernelswap/config.d/*.toml'), 'Configuration, kernelswap.toml(5).'),
      tagged(bold('/etc/kernelswap/hooks.d/'), 'Checks of your own, kernelswap-hooks(7).'),
      tagged(bold('/var/lib/kernelswap/swaps/'), 'Plan, journal, report and checkpoints of each swap.'),
      tagged(bold('/etc/systemd/system/kernelswap-scheduled.timer'), 'What kernelswap schedule writes.'),
    ),
    section(
      'SEE ALSO',
      ['kernelswap.toml(5)', 'kernelswap-hooks(7)', 'criu(8)', 'kexec(8)', 'systemd.time(7)']
        .map(literal)
        .join(', '),
    ),
  ]
    .join('\n')
    .concat('\n')
}

/** A verb with what it says of itself, and the verbs below it. */
function commandPart(command: Command, parents: readonly string[]): string[] {
  const help = command.createHelp()
  const words = [...parents, command.name()]
  const terms = [...help.visibleArguments(command).filter(({ description }) => description !== '')].map(
    (argument) => tagged(bold(help.argumentTerm(argument)), help.argumentDescription(argument)),
  )
  const options = help
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .map((option) => tagged(bold(help.optionTerm(option)), help.optionDescription(option)))
  const own = [
    `.SS ${literal([...words, command.usage()].join(' '))}`,
    ...roff(help.commandDescription(command) || command.summary()).split('\n'),
    ...terms,
    ...options,
  ]
  const inner = help.visibleCommands(command).filter((inner) => inner.name() !== 'help')
  return [...own, ...inner.flatMap((each) => commandPart(each, words))]
}
