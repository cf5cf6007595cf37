import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, messageOf } from '../errors.ts'
import { run } from '../host/local.ts'
import type { SshTarget } from '../host/ssh.ts'
import { openQmp } from '../tools/qemu.ts'
import type { Accelerator } from './accelerator.ts'
import type { Image } from './image.ts'
import { startQemu } from './qemu.ts'
import { BOOT_SECONDS, keepConnected, type Remote } from './remote.ts'
import { MACHINE_ADDRESS } from './sandbox.ts'

export interface MachineOptions {
  readonly image: Image
  readonly accelerator: Accelerator
  /** The qcow2 overlay that this machine writes to. */
  readonly disk: string
  /** Goes on from this snapshot of the overlay instead of booting. */
  readonly loadSnapshot?: string
  /** Made if missing; gets console.log and qemu.log. */
  readonly directory: string
}

/** A running virtual machine at the other end of the sandbox's tap device. */
export interface Machine extends Remote {
  readonly image: Image
  readonly directory: string
  readonly target: SshTarget
  /** Waits until systemd has started everything (or failed to). */
  settle(): Promise<void>
  /** Sets its clock, which stands still in a snapshot. */
  setClock(): Promise<void>
  /** Cuts the power and boots again, with the disk as it is. */
  reset(): Promise<void>
  /** Stops it, keeps its memory in its disk under this name, and ends it. */
  saveSnapshot(name: string): Promise<void>
  /** Ends it like a power cut. May be called again. */
  stop(): Promise<void>
  /** Resolves, with the reason, when QEMU has ended. Never rejects. */
  readonly ended: Promise<string>
}

/** After the last connection is closed, the guest still ends the session. */
const GOODBYE_SECONDS = 2

/** Makes the disk of a new machine: an empty overlay of the image's. */
export async function makeDisk(image: Image, disk: string): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image.disk, disk])
}

/**
 * Starts a virtual machine; it isn't up yet when this returns. Only inside a sandbox with its network set
 * up, one at a time.
 * @throws if QEMU can't be started or refuses its arguments: see qemu.log.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { image, directory } = options
  await mkdir(directory, { recursive: true })
  const qemu = await startQemu(options)
  const qmp = await openQmp(qemu).catch(async (error: unknown) => {
    qemu.kill('SIGKILL')
    await qemu.ended
    return whyNotStarted(directory, error)
  })
  const target = { host: MACHINE_ADDRESS, username: 'root', privateKey: image.sshKey, hostKey: image.hostKey }
  const { ssh, close } = keepConnected(target)

  return {
    ...{ image, directory, target, ssh, address: MACHINE_ADDRESS, ended: qemu.ended },
    settle: async () => {
      const shell = await ssh()
      await shell.run('systemctl', ['is-system-running', '--wait'], { timeoutSeconds: BOOT_SECONDS })
    },
    setClock: async () => {
      const shell = await ssh()
      await shell.run('date', ['--utc', '--set', `@${Date.now() / 1000}`], { timeoutSeconds: 60 })
    },
    reset: async () => {
      close()
      await qmp.execute('system_reset')
    },
    saveSnapshot: async (name) => {
      close()
      await sleep(GOODBYE_SECONDS * 1000)
      // One taken of a running machine came back with a process stuck in the kernel.
      await qmp.execute('stop')
      await qmp.monitor(`savevm ${name}`)
      await qmp.execute('quit')
      await qemu.ended
    },
    stop: async () => {
      close()
      qemu.kill('SIGKILL')
      await qemu.ended
    },
  }
}

async function whyNotStarted(directory: string, error: unknown): Promise<never> {
  const log = join(directory, 'qemu.log')
  const lastLine = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').at(-1)
  throw new Failure(
    'failed',
    `the virtual machine did not start: ${lastLine || messageOf(error)} (see ${log})`,
  )
}
