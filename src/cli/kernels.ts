import { Command } from 'commander'
import { kernelsDiffCommand } from './kernels-diff.ts'
import { kernelsListCommand } from './kernels-list.ts'

/** `kernelswap kernels`: which kernels there are, and what changes between them. */
export function kernelsCommand(): Command {
  return new Command('kernels')
    .summary('list the installed kernels, and tell what changes between them')
    .addCommand(kernelsListCommand().exitOverride(), { isDefault: true })
    .addCommand(kernelsDiffCommand().exitOverride())
}
