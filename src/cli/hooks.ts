import { Command } from 'commander'
import { hooksListCommand } from './hooks-list.ts'
import { hooksRunCommand } from './hooks-run.ts'

/** `kernelswap hooks`: the checks that know a service. */
export function hooksCommand(): Command {
  return new Command('hooks')
    .summary('list and try the checks that know a service')
    .description('Hooks are executables that kernelswap calls before, at and after a swap.')
    .addCommand(hooksListCommand())
    .addCommand(hooksRunCommand())
}
