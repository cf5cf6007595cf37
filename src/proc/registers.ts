/** Index of each register in user_regs_struct (sys/user.h), in 64-bit words. */
const X64 = { r15: 0, r14: 1, r13: 2, r12: 3, rbp: 4, rbx: 5, rsp: 19, fs_base: 21, gs_base: 22 }
const ARM64 = {
  x19: 19,
  x20: 20,
  x21: 21,
  x22: 22,
  x23: 23,
  x24: 24,
  x25: 25,
  x26: 26,
  x27: 27,
  x28: 28,
  x29: 29,
  sp: 31,
}
const PRESERVED: Readonly<Record<string, Readonly<Record<string, number>>>> = { x64: X64, arm64: ARM64 }

/** Registers that a system call preserves, out of NT_PRSTATUS bytes, hexadecimal; none for an unknown machine. */
export function namedRegisters(bytes: Buffer, machine: string): Readonly<Record<string, string>> | undefined {
  const names = PRESERVED[machine]
  if (!names) return undefined
  return Object.fromEntries(
    Object.entries(names)
      .filter(([, index]) => index * 8 + 8 <= bytes.length)
      .map(([name, index]) => [name, bytes.readBigUInt64LE(index * 8).toString(16)]),
  )
}
