import { once } from 'node:events'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, ifEnded, ifMissing, isErrno, messageOf } from '../errors.ts'
import { isThere } from '../files.ts'
import { startBackground } from '../host/local.ts'
import { paths } from '../paths.ts'
import { parsePidStat } from '../proc/pid-stat.ts'

const lockFile = join(paths.run, 'lock')

/**
 * Does something that only one kernelswap may do at a time. The kernel keeps the lock (flock(2)), so that it ends with
 * its holder, whatever ends that; the file says who it is.
 * @throws Failure 'busy' while another kernelswap holds it, 'failed' where there can be no lock.
 */
export async function withLock<T>(act: () => Promise<T>, file = lockFile): Promise<T> {
  await prepare(file)
  const giveBack = await take(file)
  try {
    return await act()
  } finally {
    await giveBack()
  }
}

/** A file that can't be written is told apart from a lock that is taken. */
async function prepare(file: string): Promise<void> {
  try {
    // Without the option that makes those above it as well: with it Node calls a read-only file system ENOENT.
    if (!(await isThere(dirname(file)))) await mkdir(dirname(file), { mode: 0o700 }).catch(unlessThere)
    await (await open(file, 'a', 0o600)).close()
  } catch (error) {
    throw unlockable(file, messageOf(error), error)
  }
}

/** Another kernelswap may have made it meanwhile. */
function unlessThere(error: unknown): void {
  if (!isErrno(error, 'EEXIST')) throw error
}

/** What flock(1) is told to end with where somebody else has the lock: any other code means that it couldn't be asked for. */
const isTaken = 75

/** Node has no flock(2): flock(1) takes the lock, and cat holds it until we let go or are gone. */
async function take(file: string): Promise<() => Promise<void>> {
  const name = `${process.pid} ${await startTime(process.pid)}`
  // It writes our name itself, before anything else can be slow: who finds the lock taken wants to say by whom.
  const command = ['sh', '-c', 'printf %s "$2" >"$1" && echo taken && exec cat', 'sh', file, name]
  const options = ['--nonblock', `--conflict-exit-code=${isTaken}`, '--no-fork']
  const keeper = await startBackground('flock', [...options, file, ...command], { stderrFile: '/dev/null' })
  const taken = once(keeper.stdout, 'data').then(() => undefined)
  const how = await Promise.race([taken, keeper.ended])
  if (how === `exit code ${isTaken}`) throw await busy(file)
  if (how !== undefined) throw unlockable(file, `flock(1) ended with ${how}, where it should hold it`)
  return async () => {
    await writeFile(file, '')
    keeper.kill('SIGKILL')
    await keeper.ended
  }
}

function unlockable(file: string, why: string, cause?: unknown): Failure {
  return new Failure('failed', `The lock ${file} can't be taken: ${why}; see to that, and try again.`, {
    cause,
  })
}

/** Who has just taken it may not have written its name yet: looked for this often, a twentieth of a second apart. */
const looks = 40

async function busy(file: string): Promise<Failure> {
  let holder = await holderOf(file)
  for (let look = 1; holder === undefined && look < looks; look += 1) {
    await sleep(50)
    holder = await holderOf(file)
  }
  const who = holder === undefined ? 'Another kernelswap' : `Another kernelswap (PID ${holder})`
  return new Failure('busy', `${who} is at work; wait for it, \`kernelswap status\` tells.`)
}

/** PID of the process that holds the lock, undefined where none does. */
export async function holderOf(file = lockFile): Promise<number | undefined> {
  const [pid, started] = (await readFile(file, 'utf8').catch(ifMissing(''))).split(' ')
  if (!pid || !started) return undefined
  return (await startTime(Number(pid))) === started ? Number(pid) : undefined
}

/** Undefined where no such process is. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ifEnded(undefined))
  return stat === undefined ? undefined : String(parsePidStat(stat).startTime)
}
