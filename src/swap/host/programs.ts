import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../errors.ts'
import { remedyFor } from '../../host/programs.ts'
import type { Obstacle } from '../../workload/obstacle.ts'

/** What a swap or its landing calls. */
const needed = [
  'kexec',
  'nft',
  'ip',
  'ss',
  'getfattr',
  'nsenter',
  'logger',
  'tar',
  'perl',
  'flock',
  'setpriv',
]
/** Where the landing looks, whoever plans and whatever his PATH. */
const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Programs that are missing for a swap. */
export async function programObstacles(): Promise<Obstacle[]> {
  const missing = await Promise.all(
    needed.map(async (program): Promise<Obstacle[]> => {
      const there = await Promise.all(folders.map((folder) => canRun(join(folder, program))))
      return there.includes(true)
        ? []
        : [{ code: 'program-missing', reason: `${program} is not installed`, remedy: remedyFor(program) }]
    }),
  )
  return missing.flat()
}

/** @throws Failure 'refused' where programs are missing for a swap: nothing can even be looked at without some. */
export async function refuseMissingPrograms(): Promise<void> {
  const missing = await programObstacles()
  if (missing.length === 0) return
  const reasons = missing.map(({ reason, remedy }) => `${reason} (${remedy})`)
  throw new Failure('refused', `Programs are missing that a swap needs: ${reasons.join(', ')}.`)
}

function canRun(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
