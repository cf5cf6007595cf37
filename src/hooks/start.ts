import { open } from 'node:fs/promises'
import type { NotStarted } from '../host/group.ts'

/**
 * Why the kernel doesn't start an executable of the administrator's, for people: execve(2) says "no such file" of the
 * interpreter that a file names, too.
 */
export async function startProblem(path: string, { code, message }: NotStarted): Promise<string> {
  const text = await beginning(path).catch(() => undefined)
  if (code !== 'ENOENT' || text === undefined) return message
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(text) ?? []
  if (interpreter === undefined)
    return 'what loads it is not here (its ELF interpreter): is it for another machine?'
  if (interpreter.endsWith('\r')) return 'its lines end in CR LF; convert them, as `sed -i "s/\\r$//"` does'
  return `its interpreter ${interpreter} is not here; install it, or correct the first line`
}

/** As much of a file as the kernel looks at (BINPRM_BUF_SIZE of include/uapi/linux/binfmts.h). */
async function beginning(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(256), 0, 256, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
