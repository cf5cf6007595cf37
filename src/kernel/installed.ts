import { readdir, readFile } from 'node:fs/promises'
import { release as runningRelease } from 'node:os'
import { join } from 'node:path'
import { Failure, ifMissing, isErrno } from '../errors.ts'
import { attempt, run } from '../host/local.ts'
import { paths } from '../paths.ts'
import { parseOwners } from '../tools/dpkg.ts'
import { gunzip } from '../tools/unpack.ts'
import { changelogNames, type KernelFiles, type ModuleFile, moduleName } from './files.ts'

const modulesFolder = '/usr/lib/modules'
const documentation = '/usr/share/doc'
const querySeconds = 30

/**
 * A kernel of this host. The running one needn't be installed.
 * @throws Failure 'usage' where there is none of that release.
 */
export async function readInstalledKernel(release: string): Promise<KernelFiles> {
  const path = join(paths.boot, `vmlinuz-${release}`)
  // What is typed goes into paths, and a release is no path.
  const image = release.includes('/') ? undefined : await readFile(path).catch(ifMissing(undefined))
  if (image === undefined && release !== runningRelease())
    throw new Failure(
      'usage',
      `Kernel ${release} is not installed; \`kernelswap kernels\` lists those that are.`,
    )
  const owner = image && (await packageOf(path))
  return {
    release,
    version: owner?.version ?? (release === runningRelease() ? await runningVersion() : undefined),
    image,
    config: await readFile(join(paths.boot, `config-${release}`), 'utf8').catch(ifMissing(undefined)),
    changelog: owner && (await readChangelog(owner.name)),
    modules: await readModules(join(modulesFolder, release, 'kernel')),
  }
}

/** The package that has a file, undefined where none has. */
async function packageOf(path: string): Promise<{ name: string; version: string } | undefined> {
  const found = await attempt('dpkg-query', ['--search', path], { timeoutSeconds: querySeconds })
  const name = parseOwners(found.stdout).get(path)?.[0]
  if (name === undefined) return undefined
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is dpkg-query's.
  const words = ['--show', '--showformat=${Version}', name]
  return { name, version: (await run('dpkg-query', words, { timeoutSeconds: querySeconds })).stdout }
}

/** Debian's kernels tell their package's version as they tell their own: `#1 SMP … Debian 6.12.90-1 (2026-05-22)`. */
async function runningVersion(): Promise<string | undefined> {
  return / Debian (\S+) /.exec(await readFile('/proc/version', 'utf8'))?.[1]
}

async function readChangelog(name: string): Promise<string | undefined> {
  for (const file of changelogNames) {
    const bytes = await readFile(join(documentation, name, file)).catch(ifMissing(undefined))
    if (bytes) return Buffer.from(gunzip(bytes)).toString()
  }
  return undefined
}

async function readModules(folder: string): Promise<ModuleFile[]> {
  const names = await readdir(folder, { recursive: true }).catch(ifMissing<string[]>([]))
  const modules: ModuleFile[] = []
  for (const path of names) {
    const name = moduleName(`/${path}`)
    if (name !== undefined) modules.push({ name, bytes: await readFile(join(folder, path)) })
  }
  return modules
}

const runningTypes = '/sys/kernel/btf'

/** What the running kernel tells of its own types and of loaded modules', by name; empty where it tells nothing. */
export async function readRunningTypes(): Promise<Map<string, Uint8Array>> {
  const names = await readdir(runningTypes).catch(ifMissing<string[]>([]))
  const read = async (name: string) => {
    try {
      return [[name, new Uint8Array(await readFile(join(runningTypes, name)))] as const]
    } catch (error) {
      // A module may be unloaded meanwhile.
      if (isErrno(error, 'ENOENT', 'ENODEV')) return []
      throw error
    }
  }
  return new Map((await Promise.all(names.map(read))).flat())
}
