import { Command } from 'commander'
import { loadImage } from '../rehearsal/image.ts'
import { machineUnits, resolveKernel, runRemoteSwap } from '../rehearsal/rehearse.ts'
import { reach } from '../rehearsal/vagrant.ts'
import { createOutput } from './output.ts'
import { createProgress } from './progress.ts'
import { tell } from './tell.ts'

interface Options {
  readonly kernel: string
}

/** `kernelswap swap-machine`: what the Vagrantfile's `swap` provisioner runs. Not for people. */
export function swapMachineCommand(): Command {
  return new Command('swap-machine')
    .requiredOption('--kernel <version>')
    .argument('<box>', 'the folder of the box that the machine was made from')
    .argument('<host>')
    .argument('<port>')
    .action(async (box: string, host: string, port: string, options: Options) => {
      const image = await loadImage(box)
      const { ssh, close } = reach(image, host, Number(port))
      const progress = createProgress()
      const args = ['--strict', '--kernel', resolveKernel(image, options.kernel), ...machineUnits]
      try {
        const outcome = await runRemoteSwap({ address: host, ssh }, args, progress.tell)
        progress.end()
        tell(outcome, createOutput({}))
      } finally {
        progress.end()
        close()
      }
    })
}
