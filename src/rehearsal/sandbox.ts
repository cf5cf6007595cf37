import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Failure, messageOf } from '../errors.ts'
import { attempt, run, startAttached } from '../host/local.ts'
import { rootOptions } from './privilege.ts'

/** Our end of the wire to the machine, in the sandbox's own network namespace. */
export const TAP = 'tap0'
/** Our address there. */
export const OUR_ADDRESS = '10.99.0.1'
/** The machine's address; its image has it in systemd-networkd's configuration. */
export const MACHINE_ADDRESS = '10.99.0.2'

const MARK = 'KERNELSWAP_SANDBOX'
/** How long whoever runs inside may take to say goodbye after a signal. */
const GOODBYE_SECONDS = 10

/** True for a program that runs inside a sandbox (and for its children). */
export function insideSandbox(): boolean {
  return process.env[MARK] === '1'
}

/**
 * Runs this program once more, with these arguments, inside a new sandbox, and returns its exit code.
 * See `runInSandbox`.
 */
export function enterSandbox(argv: readonly string[]): Promise<number> {
  const program = process.argv[1]
  if (program === undefined) throw new Error('no program to enter the sandbox with')
  return runInSandbox(process.execPath, [...process.execArgv, program, ...argv])
}

/**
 * Runs a program with our streams inside new network, process and mount namespaces. Its machine, clients
 * and tap device can't outlive it or us, whatever ends us: the kernel removes the lot.
 * SIGINT and SIGTERM are passed on. The program is process 1 of its namespace: without handlers of its own
 * for them it hears neither, and is killed 10 s later.
 */
export async function runInSandbox(program: string, args: readonly string[]): Promise<number> {
  const namespaces = [...rootOptions(), '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  const sandbox = startAttached('unshare', [...namespaces, '--', program, ...args], { env: { [MARK]: '1' } })
  let overdue: NodeJS.Timeout | undefined
  const passOn = (signal: NodeJS.Signals) => {
    // unshare itself blocks both signals; the one that should hear them is its child.
    signalProcess(childOf(sandbox.pid), signal)
    overdue ??= setTimeout(() => signalProcess(sandbox.pid, 'SIGKILL'), GOODBYE_SECONDS * 1000)
  }
  process.on('SIGINT', passOn).on('SIGTERM', passOn)
  try {
    return await sandbox.ended
  } finally {
    clearTimeout(overdue)
    process.off('SIGINT', passOn).off('SIGTERM', passOn)
  }
}

/** Brings up loopback alone, where everybody inside may listen at any port, such as QEMU that isn't root. */
export async function setUpLoopback(): Promise<void> {
  await run('ip', ['link', 'set', 'lo', 'up'])
  await writeFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', '0')
}

/**
 * Brings up loopback and the tap device inside the sandbox. May be called again.
 * @throws Failure on a host without tap devices.
 */
export async function setUpNetwork(): Promise<void> {
  const present = await attempt('ip', ['link', 'show', 'dev', TAP])
  if (present.code === 0) return
  await run('ip', ['link', 'set', 'lo', 'up'])
  await run('ip', ['tuntap', 'add', 'dev', TAP, 'mode', 'tap']).catch((error: unknown) => {
    const why = `no tap device for the machine's network could be made (${messageOf(error)})`
    throw new Failure('failed', `${why}: make /dev/net/tun work, such as by modprobe tun`, { cause: error })
  })
  await run('ip', ['address', 'add', `${OUR_ADDRESS}/24`, 'dev', TAP])
  await run('ip', ['link', 'set', TAP, 'up'])
}

function childOf(pid: number): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return Number(children[0]) || null
  } catch {
    return null
  }
}

function signalProcess(pid: number | null, signal: NodeJS.Signals): void {
  if (pid === null) return
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in the meantime.
  }
}
