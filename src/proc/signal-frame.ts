/**
 * The frame that the kernel pushes for a signal handler (struct rt_sigframe, arch/x86/include/asm/sigframe.h): return
 * address, struct ucontext, siginfo_t. Of ucontext (asm-generic/ucontext.h) flags, link and stack come before the
 * registers, which are in the order of struct sigcontext_64 (asm/sigcontext.h).
 */
const FRAME = { context: 8, registers: 48, siginfo: 312 } as const
const SAVED = 'r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip'.split(' ')
/** Index of each in struct user_regs_struct (sys/user.h), as ptrace(2) tells them, in 64-bit words. */
const ORDER = 'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp'.split(
  ' ',
)
const LAST_SIGNAL = 64

/**
 * The registers of a thread that stands at the first instruction of a signal handler, as they will be when that has
 * returned; all others stay as they are. The kernel goes by number where several signals are pending: a stopped task
 * that gets SIGCHLD (17) beside SIGSTOP (19) has the frame of one when the other stops it.
 * @param registers NT_PRSTATUS bytes of an x86-64 thread
 * @param peek reads its memory: address, length
 */
export function beforeSignal(registers: Buffer, peek: (address: bigint, length: number) => Buffer): Buffer {
  const offset = (name: string) => ORDER.indexOf(name) * 8
  const now = (name: string) => registers.readBigUInt64LE(offset(name))
  const frame = now('rsp')
  // Arguments of the handler: signal, siginfo, context.
  const isAtHandler =
    now('rdi') > 0 &&
    now('rdi') <= LAST_SIGNAL &&
    now('rsi') === frame + BigInt(FRAME.siginfo) &&
    now('rdx') === frame + BigInt(FRAME.context)
  if (!isAtHandler) return registers
  const saved = peek(frame + BigInt(FRAME.registers), SAVED.length * 8)
  const restored = Buffer.from(registers)
  for (const [index, name] of SAVED.entries()) saved.copy(restored, offset(name), index * 8, index * 8 + 8)
  return restored
}
