import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Failure } from '../errors.ts'
import { run, startBackground } from '../host/local.ts'
import { cacheDirectory } from './cache.ts'
import { bootFiles, type Image } from './image.ts'

/**
 * `icount` is `tcg` whose guest's clock counts instructions, two nanoseconds each (QEMU, docs/devel/tcg-icount): what
 * takes time in there takes as much on a busy host. Its clock is no longer ours, so clients can't measure by it.
 */
const ACCELERATORS = ['kvm', 'tcg', 'icount'] as const
export type Accelerator = (typeof ACCELERATORS)[number]

/** Under KVM a kernel gets this far in a second or two; where KVM is broken, never. */
const PROBE_SECONDS = 15
const SIGN_OF_LIFE = 'Linux version'

/**
 * Decides how QEMU runs the machine. KVM is only believed after a kernel was seen to boot under it: there
 * are hosts where /dev/kvm opens and stock kernels hang. The outcome is remembered for this kernel, this
 * QEMU and this image. KERNELSWAP_ACCEL overrides.
 * @throws Failure if KERNELSWAP_ACCEL holds something that is no accelerator.
 */
export async function chooseAccelerator(image: Image): Promise<Accelerator> {
  const wish = process.env.KERNELSWAP_ACCEL
  const wished = ACCELERATORS.find((name) => name === wish)
  if (wished) return wished
  if (wish) {
    const choice = ACCELERATORS.join(', ')
    throw new Failure(
      'usage',
      `KERNELSWAP_ACCEL is "${wish}", which is no accelerator: set it to one of ${choice}`,
    )
  }
  if (!existsSync('/dev/kvm')) return 'tcg'
  const memory = await rememberedIn(image)
  const known = await readFile(memory, 'utf8').catch(() => '')
  if (known === 'kvm' || known === 'tcg') return known
  const accelerator = (await bootsUnderKvm(image)) ? 'kvm' : 'tcg'
  await mkdir(dirname(memory), { recursive: true, mode: 0o700 })
  await writeFile(memory, accelerator)
  return accelerator
}

async function rememberedIn(image: Image): Promise<string> {
  const qemu = await run('qemu-system-x86_64', ['--version'], { timeoutSeconds: 60 })
  const circumstances = [release(), qemu.stdout, image.kernels['older-stable']].join('\0')
  const hash = createHash('sha256').update(circumstances).digest('hex').slice(0, 16)
  return join(cacheDirectory(), 'accelerator', hash)
}

async function bootsUnderKvm(image: Image): Promise<boolean> {
  const scratch = await mkdtemp(join(tmpdir(), 'kernelswap-kvm-'))
  const boot = bootFiles(image, 'older-stable')
  try {
    const qemu = await startBackground(
      'qemu-system-x86_64',
      [
        ...[
          '-nodefaults',
          '-no-user-config',
          '-display',
          'none',
          '-no-reboot',
          '-m',
          '512',
          '-machine',
          'q35',
        ],
        ...['-accel', 'kvm', '-cpu', 'host', '-serial', 'stdio'],
        ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', 'console=ttyS0 panic=-1'],
      ],
      { stderrFile: join(scratch, 'qemu.log') },
    )
    const seen = new Promise<boolean>((resolve) => {
      createInterface({ input: qemu.stdout }).on('line', (line) => {
        if (line.includes(SIGN_OF_LIFE)) resolve(true)
      })
      void qemu.ended.then(() => resolve(false))
      setTimeout(() => resolve(false), PROBE_SECONDS * 1000).unref()
    })
    const alive = await seen
    qemu.kill('SIGKILL')
    await qemu.ended
    return alive
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
