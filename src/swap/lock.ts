import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../errors.ts'
import { startBackground } from '../host/local.ts'
import { paths } from '../paths.ts'

const lockFile = join(paths.run, 'lock')

/**
 * Does something that only one kernelswap may do at a time. The kernel keeps the lock (flock(2)), so that it ends with
 * its holder, whatever ends that; the file says who it is.
 * @throws Failure 'busy' while another kernelswap holds it.
 */
export async function withLock<T>(act: () => Promise<T>, file = lockFile): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const giveBack = await take(file)
  try {
    return await act()
  } finally {
    await giveBack()
  }
}

/** Node has no flock(2): flock(1) takes the lock, and cat holds it until we let go or are gone. */
async function take(file: string): Promise<() => Promise<void>> {
  const command = ['sh', '-c', 'echo taken && exec cat']
  const keeper = await startBackground('flock', ['--nonblock', '--no-fork', file, ...command], {
    stderrFile: '/dev/null',
  })
  const taken = once(keeper.stdout, 'data').then(() => true)
  if (!(await Promise.race([taken, keeper.ended.then(() => false)]))) throw await busy(file)
  await writeFile(file, `${process.pid} ${await startTime(process.pid)}`)
  return async () => {
    await writeFile(file, '')
    keeper.kill('SIGKILL')
    await keeper.ended
  }
}

async function busy(file: string): Promise<Failure> {
  const holder = await holderOf(file)
  const who = holder === undefined ? 'Another kernelswap' : `Another kernelswap (PID ${holder})`
  return new Failure('busy', `${who} is at work; wait for it, \`kernelswap status\` tells.`)
}

/** PID of the process that holds the lock, undefined where none does. */
export async function holderOf(file = lockFile): Promise<number | undefined> {
  const [pid, started] = (await readFile(file, 'utf8').catch(() => '')).split(' ')
  if (!pid || !started) return undefined
  return (await startTime(Number(pid))) === started ? Number(pid) : undefined
}

/** Field 22 of /proc/PID/stat, counted behind the name, which may hold blanks (proc_pid_stat(5)). */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
