import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, ifMissing, isErrno } from '../errors.ts'
import { thisDistribution } from '../os/distributions.ts'
import { type KernelFiles, type ModuleFile, moduleName } from '../os/kernel-files.ts'
import { runningKernel } from '../os/kernel-release.ts'

/**
 * A kernel of this host. The running one needn't be installed.
 * @throws Failure 'usage' where there is none of that release.
 */
export async function readInstalledKernel(release: string): Promise<KernelFiles> {
  const distribution = thisDistribution()
  const { kernel, config } = distribution.kernelFiles(release)
  // What is typed goes into paths, and a release is no path.
  const image = release.includes('/') ? undefined : await readFile(kernel).catch(ifMissing(undefined))
  if (image === undefined && release !== runningKernel())
    throw new Failure(
      'usage',
      `Kernel ${release} is not installed; \`kernelswap kernels\` lists those that are.`,
    )
  const owner = image && (await distribution.packageOf(kernel))
  return {
    release,
    version:
      owner?.version ?? (release === runningKernel() ? await distribution.runningVersion() : undefined),
    image,
    config: await readFile(config, 'utf8').catch(ifMissing(undefined)),
    changelog: owner && (await distribution.readChangelog(owner.name)),
    modules: await readModules(distribution.modulesFolder(release)),
  }
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
