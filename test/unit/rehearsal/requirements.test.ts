import { afterEach, expect, test, vi } from 'vitest'
import { chooseAccelerator } from '../../../src/rehearsal/accelerator.ts'
import type { Image } from '../../../src/rehearsal/image.ts'
import { missingPackages } from '../../../src/rehearsal/requirements.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('each missing package is named once', () => {
  const present = (program: string) => !['unshare', 'setpriv', 'qemu-img'].includes(program)
  expect(missingPackages(present)).toEqual(['qemu-utils', 'util-linux'])
  expect(missingPackages(() => true)).toEqual([])
})

test('KERNELSWAP_ACCEL decides, and nonsense in it is told', async () => {
  vi.stubEnv('KERNELSWAP_ACCEL', 'kvm')
  expect(await chooseAccelerator({} as Image)).toBe('kvm')
  vi.stubEnv('KERNELSWAP_ACCEL', 'fast')
  await expect(chooseAccelerator({} as Image)).rejects.toMatchObject({ kind: 'usage' })
})
