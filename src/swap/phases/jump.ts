import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, messageOf } from '../../errors.ts'
import { parseMountinfo } from '../../proc/mountinfo.ts'
import { execute } from '../../tools/kexec.ts'
import { remountWritable } from '../../tools/mount.ts'
import { syncAll } from '../../tools/sync.ts'
import type { Phase } from '../step.ts'

/** The emergency remount goes on in the kernel's background; it is waited for this long, in milliseconds. */
const remountLimit = 5000

/** The point of no return. */
export const jump: Phase = {
  name: 'jump',
  steps: [{ name: 'jump', do: leap, undo: remountWritable }],
}

/**
 * Starts the loaded kernel. There is no orderly shutdown: it would kill the frozen tasks, and their sockets would send
 * FIN. File systems are synced and read-only instead, as in an emergency (sysrq `u`, admin-guide/sysrq.rst).
 */
async function leap(): Promise<void> {
  await syncAll()
  await writeFile('/proc/sysrq-trigger', 'u')
  await untilReadOnly()
  try {
    await execute()
  } catch (error) {
    throw new Failure('failed', `The kernel refused to jump: ${messageOf(error)}.`, { cause: error })
  }
  throw new Failure('failed', 'kexec returned without a jump; `dmesg` may say why.')
}

async function untilReadOnly(): Promise<void> {
  for (const began = Date.now(); Date.now() - began < remountLimit; await sleep(20)) {
    const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'))
    const root = mounts.find(({ target }) => target === '/')
    // Only super block options tell what sysrq did; mountinfo carries both, the mount's own come first.
    if (root?.superOptions.includes('ro')) return
  }
}
