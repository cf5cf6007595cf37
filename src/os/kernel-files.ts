/** A file as it lies in a package or on disk; the bytes of modules are often packed. */
export interface ModuleFile {
  /** As the kernel names it. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** What a kernel's package brings along. What isn't there is undefined. */
export interface KernelFiles {
  /** As `uname -r` prints it. */
  readonly release: string
  /** The package's version. */
  readonly version: string | undefined
  /** The boot image, `vmlinuz`. */
  readonly image: Uint8Array | undefined
  /** What it was built with. */
  readonly config: string | undefined
  readonly changelog: string | undefined
  readonly modules: readonly ModuleFile[]
}

const modulePattern = /\/([^/]+)\.ko(\.(xz|zst|gz))?$/

/** The name of the module in a file, undefined for what is none: `snd-pcm.ko.xz` has `snd_pcm`. */
export function moduleName(path: string): string | undefined {
  return modulePattern.exec(path)?.[1]?.replaceAll('-', '_')
}

/** What one version of a kernel's package brought. */
export interface ChangelogEntry {
  /** As `versionInChangelog` has it. */
  readonly version: string
  /** Its items; what only another architecture gets isn't among them. */
  readonly fixes: number
  readonly cves: readonly string[]
}
