import { readFile } from 'node:fs/promises'
import { Failure, messageOf } from '../../errors.ts'
import { run } from '../../host/local.ts'
import { scriptFile } from '../../layout.ts'
import { parsePidStat } from '../../proc/pid-stat.ts'
import { remountWritable } from '../../tools/mount.ts'
import { syncAll } from '../../tools/sync.ts'
import type { Phase, SwapContext } from '../step.ts'
import { tasksOf } from '../tasks.ts'

/** The point of no return. */
export const jump: Phase = {
  name: 'jump',
  steps: [{ name: 'jump', do: executeKexec, undo: () => remountWritable() }],
}

/** Starts the loaded kernel (landing/static/execute-kexec); the way back from a bad landing goes by the same script. */
async function executeKexec(context: SwapContext): Promise<void> {
  // Here and not only in the script: it may be waited for in vain.
  await syncAll()
  await refuseIfAwake(context)
  context.limit!.check()
  // A jump that has begun must not be taken back. If it hangs before, systemd ends us.
  context.limit!.lift()
  try {
    await run(scriptFile('execute-kexec'), [])
  } catch (error) {
    throw new Failure('failed', `The kernel refused to jump: ${messageOf(error)}.`, { cause: error })
  }
  throw new Failure('failed', 'kexec returned without a jump; `dmesg` may say why.')
}

/** A restart ends tasks that stand still, and what they did meanwhile isn't in the checkpoint. */
async function refuseIfAwake({ swap, sealed }: SwapContext): Promise<void> {
  const pids = (await tasksOf(swap.plan)).flat()
  const stats = await Promise.all(
    pids.map(async (pid) => parsePidStat(await readFile(`/proc/${pid}/stat`, 'utf8'))),
  )
  const isSame = pids.length === sealed.length && pids.every((pid) => sealed.includes(pid))
  if (isSame && stats.every(({ state }) => state === 'T')) return
  throw new Failure(
    'failed',
    'A service was restarted or woken after its checkpoint, by a timer or by somebody; see its journal, and swap again.',
  )
}
