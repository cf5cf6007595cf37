import { join } from 'node:path'
import { Failure, messageOf } from '../../errors.ts'
import { run } from '../../host/local.ts'
import { paths } from '../../paths.ts'
import { remountWritable } from '../../tools/mount.ts'
import type { Phase } from '../step.ts'

/** The point of no return. */
export const jump: Phase = {
  name: 'jump',
  steps: [{ name: 'jump', do: leap, undo: remountWritable }],
}

/** Starts the loaded kernel (landing/static/leap); the way back from a bad landing goes by the same script. */
async function leap(): Promise<void> {
  try {
    await run(join(paths.library, 'leap'), [])
  } catch (error) {
    throw new Failure('failed', `The kernel refused to jump: ${messageOf(error)}.`, { cause: error })
  }
  throw new Failure('failed', 'kexec returned without a jump; `dmesg` may say why.')
}
