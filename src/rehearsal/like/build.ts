import { mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { stringify } from 'smol-toml'
import * as z from 'zod'
import { tableOf } from '../../config/settings.ts'
import { Failure } from '../../errors.ts'
import { ProgramError } from '../../host/local.ts'
import { startsKernel } from '../../os/boot-loaders.ts'
import { grubMenu, parseGrubMenu } from '../../os/grub.ts'
import { installFiles } from '../../tools/apt.ts'
import type { Image } from '../image.ts'
import { installKernelswap, packageKey, prepareBy } from '../installation.ts'
import type { Machine } from '../machine.ts'
import type { Remote } from '../remote.ts'
import { preparedMachine } from '../snapshot.ts'
import { missingAccounts } from './accounts.ts'
import { filesName, type Likeness } from './likeness.ts'
import type { Copy } from './study.ts'

/** Everything of a host's may be installed anew, in software emulation. */
const installSeconds = 7200
const startSeconds = 600

/** What the image's own services belong to; a copy runs those of the host alone. */
const imagesServices = ['redis-server', 'memcached', 'nginx', 'postgresql']

/** Where the image's recipe puts a `rehearsal.conf` for its own clients. */
const imagesFolders = ['/etc/nginx', '/etc/postgresql']

/** Settings by which a swap tells others of itself or waits for them: a copy is no host of theirs. */
const reachingOut = ['on-success', 'on-failure', 'metrics-file', 'fleet-lock']

/** Where everything is put before it is installed. */
const place = '/root/like'

/** Starts a machine like a host, with the host's units running as far as they do; made of the image the first time. */
export async function startMachineLike(
  image: Image,
  copy: Copy,
  directory: string,
  say: (line: string) => void,
): Promise<Machine> {
  // Logs of services are nobody else's business.
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const key = `${basename(copy.folder)} ${await packageKey()}`
  const prepare = (machine: Machine) => makeLike(machine, copy)
  return preparedMachine({ image, directory, say, preparation: { key, shelf: 'alike', prepare } })
}

async function makeLike(machine: Machine, { folder, likeness }: Copy): Promise<void> {
  await stopServices(machine, likeness)
  await addAccounts(machine, likeness)
  await installPackages(machine, join(folder, 'packages'))
  await installKernelswap(machine)
  await replaceFiles(machine, join(folder, filesName), likeness)
  await keepToItself(machine, likeness)
  await bootInto(machine, likeness.kernels.running)
  await startUnits(machine, likeness)
}

/** What the host has, too, starts again with the host's configuration; the others never do. */
async function stopServices(machine: Machine, { packages }: Likeness): Promise<void> {
  const isHosts = (service: string) => packages.some(({ name }) => name.startsWith(service))
  const others = imagesServices.filter((service) => !isHosts(service))
  await prepareBy(machine, 'systemctl', ['stop', ...imagesServices])
  if (others.length > 0) await prepareBy(machine, 'systemctl', ['mask', '--quiet', ...others])
}

/** Before packages are installed: what they then find there, they leave with its number. */
async function addAccounts(machine: Machine, { accounts }: Likeness): Promise<void> {
  const passwd = await prepareBy(machine, 'cat', ['/etc/passwd'])
  const group = await prepareBy(machine, 'cat', ['/etc/group'])
  const { users, groups } = missingAccounts(accounts, { passwd, group })
  await append(machine, '/etc/group', groups)
  await append(machine, '/etc/passwd', users)
}

async function append(machine: Machine, file: string, lines: readonly string[]): Promise<void> {
  await prepareBy(machine, 'tee', ['--append', file], { input: lines.map((line) => `${line}\n`).join('') })
}

/** Nothing is started yet: it would be with the packages' own configuration. */
async function installPackages(machine: Machine, folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.deb'))
  if (files.length === 0) return
  const ssh = await machine.ssh()
  await prepareBy(machine, 'mkdir', ['--parents', place])
  for (const file of files) await ssh.putFile(join(folder, file), join(place, file), 0o600)
  const policy = '/usr/sbin/policy-rc.d'
  await prepareBy(machine, 'tee', [policy], { input: '#!/bin/sh\nexit 101\n' })
  await prepareBy(machine, 'chmod', ['755', policy])
  const install = installFiles(files.map((file) => join(place, file)))
  await prepareBy(machine, 'env', install, { timeoutSeconds: installSeconds })
  await prepareBy(machine, 'rm', ['--recursive', policy, place])
}

/** Owners go by name: accounts may have other numbers here than on the host. */
async function replaceFiles(machine: Machine, archive: string, { folders }: Likeness): Promise<void> {
  const emptied = (...words: readonly string[]) => prepareBy(machine, 'find', [...words, '-delete'])
  await emptied(...imagesFolders, '-name', 'rehearsal.conf')
  if (folders.length > 0) {
    await prepareBy(machine, 'mkdir', ['--parents', '--', ...folders])
    await emptied(...folders, '-mindepth', '1')
  }
  const there = '/root/files.tar'
  const ssh = await machine.ssh()
  await ssh.putFile(archive, there, 0o600)
  const how = ['--extract', '--directory=/', '--keep-directory-symlink']
  await prepareBy(machine, 'tar', [...how, `--file=${there}`], { timeoutSeconds: installSeconds })
  await prepareBy(machine, 'rm', [there])
}

const settingsSchema = z.object({
  settings: z.array(z.object({ path: z.array(z.string()), value: z.unknown(), file: z.string().nullable() })),
})

/** Gives kernelswap there the host's settings, without those that reach out. */
async function keepToItself(machine: Machine, { host }: Likeness): Promise<void> {
  const directory = '/etc/kernelswap/config.d'
  const ssh = await machine.ssh()
  const shown = await ssh.run('kernelswap', ['config', 'show', '--json'], { timeoutSeconds: 120 })
  if (shown.code !== 0)
    throw new Failure(
      'configuration',
      `${host}: ${shown.stderr.trim().replace(/^kernelswap: /, '')} A swap there would end with this.`,
    )
  const { settings } = settingsSchema.parse(JSON.parse(shown.stdout))
  const kept = settings.filter(({ path, file }) => file !== null && !reachingOut.includes(path[0] ?? ''))
  const text = kept.length === 0 ? '' : stringify(tableOf(kept) as object)
  await prepareBy(machine, 'find', [directory, '-mindepth', '1', '-delete'])
  await prepareBy(machine, 'tee', [join(directory, '50-kernelswap.toml')], { input: text })
}

/** Has the machine run this kernel, if it has it: a swap begins from there. */
async function bootInto(machine: Machine, release: string): Promise<void> {
  if ((await prepareBy(machine, 'uname', ['-r'])).trim() === release) return
  const menu = parseGrubMenu(await prepareBy(machine, 'cat', [grubMenu]))
  const entry = menu.find(({ linux }) => startsKernel(release, linux))
  if (!entry) return
  await prepareBy(machine, 'grub-set-default', [entry.id])
  await prepareBy(machine, 'sync', [])
  await machine.reset()
  await machine.settle().catch(passOverSlowness)
}

/** A unit of the host's may be slow to start in software emulation, or wait for what a copy doesn't have. */
function passOverSlowness(error: unknown): void {
  if (!(error instanceof ProgramError)) throw error
}

/** What doesn't start, or not in time, is told by whoever judges. */
export async function startUnits(machine: Remote, { units }: Pick<Likeness, 'units'>): Promise<void> {
  await prepareBy(machine, 'systemctl', ['daemon-reload'])
  const ssh = await machine.ssh()
  const names = units.map(({ name }) => name)
  await ssh
    .run('systemctl', ['start', '--', ...names], { timeoutSeconds: startSeconds })
    .catch(passOverSlowness)
}
