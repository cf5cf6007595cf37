import type { ChangelogEntry, KernelFiles } from './kernel-files.ts'

/** Files of an installed kernel. */
export interface KernelPaths {
  readonly kernel: string
  readonly initrd: string
  /** What it was built with. */
  readonly config: string
}

/** An installed package. */
export interface PackageName {
  readonly name: string
  readonly version: string
}

/** Where a distribution keeps its kernels, and which packages bring them. */
export interface Distribution {
  /** What os-release(5) calls it, as ID= or among ID_LIKE=. */
  readonly id: string
  /** Releases of the installed kernels, as `uname -r` prints them, the oldest first. */
  installedKernels(): Promise<string[]>
  kernelFiles(release: string): KernelPaths
  /** Folder of a kernel's own modules. */
  modulesFolder(release: string): string
  /** Name of the package that brings a kernel. */
  kernelPackage(release: string): string
  /** True for a package that asks for a reboot because it brings a kernel, or part of one. */
  isKernelPackage(name: string): boolean
  /** The package that has a file, undefined where none has. */
  packageOf(path: string): Promise<PackageName | undefined>
  /** Version of the running kernel's package, by what the kernel tells itself; undefined where it doesn't. */
  runningVersion(): Promise<string | undefined>
  /** What has changed in an installed package, undefined where it has nothing of that. */
  readChangelog(name: string): Promise<string | undefined>
  /** The same as values, the latest version first. */
  parseChangelog(text: string): ChangelogEntry[]
  /** A package's version as entries of a changelog have it. */
  versionInChangelog(version: string): string
  /** True for the name of a package's file. */
  isPackageFile(name: string): boolean
  /** The kernel in a package's file that needn't be installed. @throws Failure 'usage' for a file that has none. */
  readKernelPackage(file: string): Promise<KernelFiles>
}
