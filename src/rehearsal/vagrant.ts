import { createWriteStream, rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf } from '../errors.ts'
import { type Ended, run } from '../host/local.ts'
import { vagrantFolder } from './box.ts'
import type { Image } from './image.ts'
import { keepConnected, type Remote } from './remote.ts'

/** Bringing up a machine in software emulation takes three minutes on an idle host. */
const VAGRANT_SECONDS = 1800

/** A Vagrant that has nothing in common with the user's: no box, machine or libvirt session of theirs is touched. */
export interface PrivateVagrant {
  /**
   * Runs `vagrant` with these arguments and returns how it ended; what it says goes to vagrant.log, too.
   * @throws Failure if it ends with another exit code than 0, with its last line.
   */
  vagrant(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
  /** Removes everything that it has made, a gigabyte; our own end does, too. */
  remove(): void
}

/**
 * Makes one in `directory`, which gets vagrant.log. Only inside a sandbox, whose end is also that of the session's
 * libvirtd and QEMU.
 */
export async function createPrivateVagrant(directory: string): Promise<PrivateVagrant> {
  const large = join(directory, 'vagrant')
  // libvirt's sockets are in here, and a socket's path has at most 107 characters (unix(7)).
  const small = await mkdtemp('/tmp/kernelswap-')
  await mkdir(large, { recursive: true, mode: 0o700 })
  const log = createWriteStream(join(directory, 'vagrant.log'), { flags: 'a' })
  const note = (line: string) => void log.write(`${line}\n`)
  const env = {
    VAGRANT_CWD: vagrantFolder(),
    VAGRANT_HOME: join(large, 'home'),
    VAGRANT_DOTFILE_PATH: join(large, 'machine'),
    KERNELSWAP_POOL: join(large, 'pool'),
    // The sandbox has a network of its own, so all ports are free.
    KERNELSWAP_PORTS: '0',
    ...{ XDG_RUNTIME_DIR: small, XDG_CONFIG_HOME: small, XDG_DATA_HOME: small },
    LC_ALL: 'C.UTF-8',
  }
  const remove = () => {
    for (const made of [large, small]) rmSync(made, { recursive: true, force: true })
  }
  process.once('exit', remove)
  return {
    vagrant: async (args, more = {}) => {
      try {
        const options = { timeoutSeconds: VAGRANT_SECONDS, onStdoutLine: note, onStderrLine: note }
        return await run('vagrant', args, { ...options, env: { ...env, ...more } })
      } catch (error) {
        throw new Failure('failed', `${messageOf(error)}: see ${join(directory, 'vagrant.log')}`, {
          cause: error,
        })
      }
    },
    remove: () => {
      log.end()
      process.off('exit', remove)
      remove()
    },
  }
}

/** A machine that `vagrant up` has started. */
export interface VagrantMachine extends Remote {
  stop(): Promise<void>
}

/** Starts the machine of the Vagrantfile, with kernelswap installed and its services adopted. Only inside a sandbox. */
export async function startVagrantMachine(image: Image, directory: string): Promise<VagrantMachine> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { vagrant, remove } = await createPrivateVagrant(directory)
  const { ssh, close } = reach(image, '127.0.0.1', 22)
  const stop = async () => {
    close()
    await vagrant(['destroy', '--force']).finally(remove)
  }
  try {
    await vagrant(['up'])
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
  return { address: '127.0.0.1', ssh, stop }
}

/** A connection, opened when it is needed, to a machine of this image. */
export function reach(image: Image, host: string, port: number): ReturnType<typeof keepConnected> {
  return keepConnected({ host, port, username: 'root', privateKey: image.sshKey, hostKey: image.hostKey })
}
