import { Command } from 'commander'
import { type BundleIndex, bytesOfBundle, readBundleIndex, verifyBundle } from '../archive/bundle.ts'
import { bundleRestoreCommand } from './bundle-restore.ts'
import { createOutput, sizeText } from './output.ts'

interface Verb {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly read: (file: string) => Promise<BundleIndex>
  readonly finding: string
}

const verbs: readonly Verb[] = [
  {
    name: 'inspect',
    summary: 'tell what a bundle says that it holds',
    description: 'Reads the index of a bundle, and nothing after it.',
    read: readBundleIndex,
    finding: 'not verified',
  },
  {
    name: 'verify',
    summary: 'tell whether a bundle is whole',
    description:
      'Reads a bundle to its end: every file must be there, in its place and with its checksum, and nothing else.\n' +
      'Exit code 0: it is whole; 1: it is refused, with the reason. Nothing is unpacked.',
    read: verifyBundle,
    finding: 'whole',
  },
]

/** `kernelswap bundle`: copies of checkpoints that `run --evacuate` made. */
export function bundleCommand(): Command {
  const bundle = new Command('bundle').summary(
    'look at or restore the copy of a checkpoint that run --evacuate made',
  )
  for (const verb of verbs) bundle.addCommand(verbCommand(verb))
  return bundle.addCommand(bundleRestoreCommand())
}

function verbCommand({ name, summary, description, read, finding }: Verb): Command {
  return new Command(name)
    .summary(summary)
    .description(description)
    .argument('<file>', 'a bundle')
    .option('--json', 'print its index as one JSON document', false)
    .action(async (file: string, options: { json: boolean }) => {
      const index = await read(file)
      createOutput(options).result(index, indexText(index, finding))
    })
}

function indexText(index: BundleIndex, finding: string): string[] {
  const { id, host, kernel, units, files } = index
  return [
    `bundle of swap ${id} of ${host}: ${finding}`,
    `kernel     ${kernel.from} → ${kernel.to}`,
    ...units.map((unit) => `workload   ${unit}`),
    `files      ${files.length}, ${sizeText(bytesOfBundle(index))}`,
  ]
}
