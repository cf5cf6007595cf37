import { namedRegisters } from '../../proc/registers.ts'
import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

/**
 * The registers that a system call leaves alone. The others differ rightly: a call that the freeze interrupted
 * is made again.
 */
export const registers = facet<Readonly<Record<string, string>>>({
  name: 'registers',
  title: 'stack pointer, thread pointer and the registers that calls preserve',
  manual: 'PTRACE_GETREGSET(2const)',
  scope: 'thread',
  strictOnly: true,
  read(thread) {
    const bytes = thread.registers
    const named = bytes && namedRegisters(bytes, process.arch)
    if (!named) throw new Unreadable(`registers of ${process.arch} aren’t known`)
    return named
  },
  compare: byKey(),
})
