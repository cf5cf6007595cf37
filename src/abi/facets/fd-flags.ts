import { byCommonKey, equal, explained, same } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Comparison, Setting } from '../types.ts'

/** O_CLOEXEC included: fdinfo shows it although fcntl(2) F_GETFL doesn't. */
export const fdFlags = facet<Readonly<Record<string, string>>>({
  name: 'fd-flags',
  title: 'access mode, status flags and close-on-exec of descriptors, octal',
  manual: 'proc_pid_fdinfo(5)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(task.descriptors.map(({ fd, flags }) => [String(fd), flags.toString(8)])),
  compare: byCommonKey((fd) => `fd ${fd}`, compareFlags),
})

/**
 * Flags that say how to open, and nothing of what is open: __O_TMPFILE and O_DIRECTORY, by the machine's numbers
 * (include/uapi/asm-generic/fcntl.h, arch/arm64/include/uapi/asm/fcntl.h). CRIU opens a file without a name by the link that
 * it has made for it, and directories as files.
 */
const OPENING = 0o20000000 | (process.arch === 'arm64' ? 0o40000 : 0o200000)

function compareFlags(before: string, after: string, setting: Setting): Comparison {
  const [was, is] = [before, after].map((flags) => (Number.parseInt(flags, 8) & ~OPENING).toString(8))
  if (was !== is) return same()(before, after, setting)
  return before === after ? equal() : explained('O_TMPFILE and O_DIRECTORY matter to open(2) alone')
}
