import { expect, test } from 'vitest'
import { bootFiles, type Image, parseImageJson } from '../../../src/rehearsal/image.ts'
import { qemuArguments } from '../../../src/rehearsal/qemu.ts'

const kernels = {
  'older-stable': '6.12.116+deb13-cloud-amd64',
  'newest-stable': '6.12.117+deb13-cloud-amd64',
  'newest-backports': '7.3.4+deb13-cloud-amd64',
}
const image: Image = {
  ...{ directory: '/cache/x,y', disk: '/cache/x,y/disk.qcow2', kernels, packages: {} },
  ...{ dpkgStatus: '/cache/x,y/dpkg-status', sshKey: '/cache/x,y/ssh_key', hostKey: 'ssh-ed25519 AAAA' },
}

test('image.json tells kernels and packages', () => {
  const text = JSON.stringify({ kernels, packages: { criu: '4.2.1-1' } })
  expect(parseImageJson(text)).toEqual({ kernels, packages: { criu: '4.2.1-1' } })
})

test('image.json without one of the kernels is refused', () => {
  const { 'newest-backports': _, ...two } = kernels
  expect(() => parseImageJson(JSON.stringify({ kernels: two, packages: {} }))).toThrow('newest-backports')
})

test('each kernel has its own boot files', () => {
  expect(bootFiles(image, 'newest-backports')).toEqual({
    kernel: '/cache/x,y/vmlinuz-7.3.4+deb13-cloud-amd64',
    initrd: '/cache/x,y/initrd.img-7.3.4+deb13-cloud-amd64',
  })
})

test('QEMU leaves the kernel to the boot loader, is single-threaded, and takes commas in paths for what they are', () => {
  const line = qemuArguments({ accelerator: 'tcg', disk: '/a,b/disk', directory: '/a,b' }).join(' ')
  expect(line).not.toContain('-kernel')
  expect(line).toContain('-accel tcg,thread=single ')
  expect(line).toContain('file=/a,,b/disk')
  expect(line).not.toContain('-loadvm')
})
