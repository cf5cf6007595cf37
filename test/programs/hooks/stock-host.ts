import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const hooks = new URL('../../../hooks', import.meta.url).pathname

/** A host of its own: its network, its processes, and Debian's files, whose changes end with it. */
const script = `
mount -t tmpfs none "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o "lowerdir=$2,upperdir=upper,workdir=work" none root
cd root
mount -t proc none proc
mount --rbind /dev dev
mount -t tmpfs none dev/shm
mount -t tmpfs -o mode=755 none run
mkdir -p run/lock usr/lib/kernelswap/hooks.d
mount --bind "$3" usr/lib/kernelswap/hooks.d
touch usr/local/bin/node
mount --bind "$4" usr/local/bin/node
ip link set lo up
echo 127.0.0.1 localhost stock >etc/hosts
hostname stock
# The kernel takes away the children of who ignores their end.
exec chroot . perl -e '$SIG{CHLD} = "IGNORE"; sleep'`

/** What a hook did when it was called. */
export interface Called {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Debian's packages as they are after their installation, where services are started by hand. */
export class StockHost {
  readonly #place = mkdtempSync(join(tmpdir(), 'kernelswap-stock-'))
  readonly #holder: ChildProcess
  #baseline = ''

  private constructor(root: string) {
    chmodSync(this.#place, 0o755)
    const namespaces = ['--mount', '--propagation', 'private', '--net', '--uts', '--ipc', '--pid', '--fork']
    const words = [this.#place, root, hooks, process.execPath]
    this.#holder = spawn('unshare', [...namespaces, '--kill-child', 'sh', '-euc', script, 'sh', ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }

  /** Starts one from a folder that has Debian installed in it. */
  static async start(root: string): Promise<StockHost> {
    const host = new StockHost(root)
    await until(() => readFileSync(`/proc/${host.#init()}/comm`, 'utf8') === 'perl\n', 'the host')
    return host
  }

  /** Its first process, as this host numbers it. */
  #init(): string {
    const pid = this.#holder.pid!
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  }

  #enter(): string[] {
    return ['--target', this.#init(), '--mount', '--net', '--uts', '--ipc', '--pid', '--root', '--wd']
  }

  /** Starts a program that stays; its PID there. Its output is in `/run/PID.log`. */
  async serve(line: string): Promise<number> {
    const started = spawn(
      'nsenter',
      [...this.#enter(), 'setsid', 'sh', '-c', `echo $$ && exec ${line} >/run/$$.log 2>&1`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    return new Promise((resolve) => started.stdout.once('data', (pid) => resolve(Number(pid))))
  }

  /** What lines of shell print. */
  shell(lines: string, input = ''): string {
    return execFileSync('nsenter', [...this.#enter(), 'sh', '-euc', lines], {
      encoding: 'utf8',
      input,
      timeout: 120_000,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  /** Waits until lines of shell succeed. */
  until(lines: string): Promise<void> {
    return until(() => spawnSync('nsenter', [...this.#enter(), 'sh', '-euc', lines]).status === 0, lines)
  }

  /** Ends a process as a crash would, and waits until it has gone. */
  async kill(pid: number): Promise<void> {
    this.shell(`kill -KILL ${pid}`)
    await this.until(`! grep -q '^State:[^Z]*$' /proc/${pid}/status 2>/dev/null`)
  }

  /** Calls a hook as the runner does, and keeps what `capture` prints for `verify`. */
  call(hook: string, verb: string, unit: string, mainPid: number): Called {
    const environment = [
      ...['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'],
      ...[`KERNELSWAP_UNIT=${unit}`, `KERNELSWAP_MAIN_PID=${mainPid}`],
      ...(verb === 'verify' ? ['KERNELSWAP_BASELINE=/run/baseline'] : []),
    ]
    if (verb === 'verify') this.shell('cat >/run/baseline', this.#baseline)
    const file = `/usr/lib/kernelswap/hooks.d/${hook}`
    const ended = spawnSync('nsenter', [...this.#enter(), 'env', '-i', ...environment, file, verb], {
      input: '{}',
      encoding: 'utf8',
      timeout: 60_000,
    })
    // As the runner hands it on.
    if (verb === 'capture')
      this.#baseline = JSON.stringify(ended.status === 0 ? JSON.parse(ended.stdout) : null)
    return { code: ended.status, out: ended.stdout, err: ended.stderr }
  }

  /** Has `verify` believe that `capture` said otherwise. */
  pretend(otherwise: Readonly<Record<string, unknown>>): void {
    this.#baseline = JSON.stringify({ ...JSON.parse(this.#baseline), ...otherwise })
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('exit', resolve))
    this.#holder.kill('SIGKILL')
    await ended
    rmSync(this.#place, { recursive: true })
  }
}

async function until(isReady: () => boolean, what: string): Promise<void> {
  for (const late = Date.now() + 30_000; Date.now() < late; await sleep(100)) {
    try {
      if (isReady()) return
    } catch {
      // Not yet there.
    }
  }
  throw new Error(`it never came to: ${what}`)
}
