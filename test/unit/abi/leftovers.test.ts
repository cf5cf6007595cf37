import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { HostReader, WorkloadReader } from '../../../src/abi/readers.ts'

/** Makes what CRIU makes of a vDSO of another kernel: a copy of it in anonymous memory, behind a place for its data. */
const copying = `
import ctypes, mmap, re, time
libc = ctypes.CDLL(None)
[vdso] = [line for line in open('/proc/self/maps') if '[vdso]' in line]
start, end = (int(x, 16) for x in re.match(r'(\\w+)-(\\w+)', vdso).groups())
image = ctypes.string_at(start, end - start)
memory = mmap.mmap(-1, 4 * 4096 + len(image), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory[4 * 4096:] = image
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc.mprotect.argtypes = libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
assert libc.mprotect(address, 4 * 4096, 1) == 0 and libc.madvise(address, 4 * 4096, 16) == 0
assert libc.mprotect(address + 4 * 4096, len(image), 5) == 0
print('%x' % address, flush=True)
time.sleep(1000)`

/** Back on the first kernel these are that kernel's own again: every task of a second swap came back "different". */
test.skipIf(process.getuid?.() !== 0)(
  'a vDSO that has come over a swap is the kernel’s, and what lies before it',
  async () => {
    const program = spawn('python3', ['-c', copying], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [address] = (await once(createInterface(program.stdout!), 'line')) as [string]
      const [task] = new WorkloadReader([program.pid!], true, new HostReader()).tasks
      const at = task!.areas.findIndex(({ start }) => start === address)
      expect(task!.areas.slice(at, at + 2).map(({ name }) => name)).toEqual(['[vvar]', '[vdso]'])
      expect(task!.smaps.find(({ start }) => start === address)).toMatchObject({ name: '[vvar]' })
      const others = task!.areas.filter(({ name }) => name === '[vdso]')
      expect(others).toHaveLength(2)
    } finally {
      program.kill('SIGKILL')
    }
  },
)
