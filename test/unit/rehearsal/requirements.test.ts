import { afterEach, expect, test, vi } from 'vitest'
import { chooseAccelerator } from '../../../src/rehearsal/accelerator.ts'
import type { Image } from '../../../src/rehearsal/image.ts'
import { missingPackages, requirementsOf } from '../../../src/rehearsal/requirements.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const debian12 = 'ID=debian\nVERSION_ID="12"\n'
const debian13 = 'ID=debian\nVERSION_ID="13"\n'

test('each missing package is named once', () => {
  const present = (program: string) => !['unshare', 'setpriv', 'qemu-img'].includes(program)
  const requirements = requirementsOf('qemu', true, debian13)
  expect(missingPackages(requirements, present)).toEqual(['qemu-utils', 'util-linux'])
  expect(missingPackages(requirements, () => true)).toEqual([])
})

test('Vagrant needs what its Debian has it in, and an ordinary user the means to be root of a namespace', () => {
  const packages = (...[root, release]: [root: boolean, release: string]) =>
    missingPackages(requirementsOf('vagrant', root, release), () => false)
  expect(packages(true, debian13)).toEqual(
    expect.arrayContaining(['mmdebstrap', 'vagrant', 'vagrant-libvirt', 'libvirt-daemon-driver-storage']),
  )
  expect(packages(true, debian12)).toContain('libvirt-daemon')
  expect(packages(true, debian12)).not.toContain('libvirt-daemon-driver-storage')
  expect(packages(true, debian13)).not.toContain('uidmap')
  expect(packages(false, debian13)).toContain('uidmap')
  expect(missingPackages(requirementsOf('qemu', true, debian13), () => false)).not.toContain('vagrant')
})

test('KERNELSWAP_ACCEL decides, and nonsense in it is told', async () => {
  vi.stubEnv('KERNELSWAP_ACCEL', 'kvm')
  expect(await chooseAccelerator({} as Image)).toBe('kvm')
  vi.stubEnv('KERNELSWAP_ACCEL', 'fast')
  await expect(chooseAccelerator({} as Image)).rejects.toMatchObject({ kind: 'usage' })
})
