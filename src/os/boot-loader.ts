/** What a boot loader can start. */
export interface BootEntry {
  /** As the boot loader's own tools name it; for GRUB with the submenus it is in, `submenu>entry`. */
  readonly id: string
  /** The kernel's file, as the boot loader finds it: on its own file system, not on the running one's. */
  readonly linux: string
  readonly options: string
}

/** A boot loader: what it can start, and what the next boot alone is aimed at. */
export interface BootLoader {
  /** As a plan has it. */
  readonly name: string
  /** True where it has started this host, or would. */
  isHere(): Promise<boolean>
  /** What it can start, in the order of its menu. @throws Failure 'refused' for a menu that no aim would change. */
  entries(): Promise<BootEntry[]>
  /** What it starts where nothing is aimed at; undefined where nothing tells, or that is no Linux. */
  defaultEntry(): Promise<BootEntry | undefined>
  /** Id of the entry that it starts at the next boot alone, undefined where its default is next. */
  next(): Promise<string | undefined>
  /** Aims the next boot alone at an entry, or without one at its default. */
  setNext(id: string | undefined): Promise<void>
  /** A program and its arguments that aim as well, for the landing, which has no Node. */
  aimCommand(id: string): readonly string[]
}
