import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isErrno } from '../errors.ts'
import { paths } from '../paths.ts'

const file = join(paths.run, 'lock')

/**
 * Does something that only one kernelswap may do at a time. The lock names its holder by PID and start time, so that
 * one left behind is recognised; it lies on a tmpfs, so none outlasts a boot.
 * @throws Failure 'busy' while another kernelswap holds it.
 */
export async function withLock<T>(act: () => Promise<T>): Promise<T> {
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  await take()
  try {
    return await act()
  } finally {
    await rm(file, { force: true })
  }
}

async function take(): Promise<void> {
  const own = `${process.pid} ${await startTime(process.pid)}`
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      await writeFile(file, own, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    const holder = await holderOf()
    if (holder !== undefined) {
      throw new Failure(
        'busy',
        `Another kernelswap (PID ${holder}) is at work; wait for it, \`kernelswap status\` tells.`,
      )
    }
    await rm(file, { force: true })
  }
  throw new Failure('busy', 'Another kernelswap took the lock just now; try again.')
}

/** PID of the process that holds the lock, undefined where it is gone. */
export async function holderOf(): Promise<number | undefined> {
  const [pid, started] = (await readFile(file, 'utf8').catch(() => '')).split(' ')
  if (!pid || !started) return undefined
  return (await startTime(Number(pid))) === started ? Number(pid) : undefined
}

/** Field 22 of /proc/PID/stat, counted behind the name, which may hold blanks (proc_pid_stat(5)). */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
