import { Command } from 'commander'
import { configCheckCommand } from './config-check.ts'
import { configShowCommand } from './config-show.ts'

/** `kernelswap config`: what the configuration files come to. */
export function configCommand(): Command {
  return new Command('config')
    .summary('show and check the configuration')
    .addCommand(configShowCommand())
    .addCommand(configCheckCommand())
}
