import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** Waits until sleep(1) sleeps: its memory map changes until the program is loaded. */
export async function untilAsleep(pid: number): Promise<void> {
  // clock_nanosleep (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)
  const number = process.arch === 'x64' ? 230 : 115
  await expect.poll(() => readFileSync(`/proc/${pid}/syscall`, 'utf8').split(' ')[0]).toBe(String(number))
}
