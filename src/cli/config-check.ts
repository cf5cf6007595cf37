import type { Command } from 'commander'
import { loadConfiguration } from '../config/configuration.ts'
import { Verb } from './verb.ts'

/** `kernelswap config check`: would a swap take this configuration? */
export function configCheckCommand(): Command {
  return new Verb('check')
    .summary('check the configuration')
    .description('Ends with 78 and names file, line and key where a configuration file has a mistake.')
    .action(async () => void (await loadConfiguration()))
}
