import { Command } from 'commander'
import { ensureBox, vagrantFolder } from '../rehearsal/box.ts'
import { ensureImage } from '../rehearsal/image.ts'
import { ensureHostPackages } from '../rehearsal/requirements.ts'
import { createOutput } from './output.ts'

/** `kernelswap box`: the rehearsal machine for Vagrant. */
export function boxCommand(): Command {
  return new Command('box')
    .summary('make the Vagrant box of the rehearsal machine')
    .description(
      'Builds the rehearsal machine from Debian packages (once) and makes a box of it, where the Vagrantfile looks for\n' +
        'it. Needs no root, but for packages that are missing.',
    )
    .action(async () => {
      const output = createOutput({})
      await ensureHostPackages(output.say, 'vagrant')
      await ensureBox(await ensureImage(output.say), output.say)
      output.say(`the box is ready: run \`vagrant up\` in ${vagrantFolder()}`)
    })
}
