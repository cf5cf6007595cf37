import { expect, test } from 'vitest'
import { choosePackages, refuseUnknownKernel } from '../../../../src/rehearsal/like/packages.ts'

const of = (name: string, version = '1-1', architecture = 'amd64') => ({ name, version, architecture })
const kernels = { running: '6.12.1-amd64', newest: '6.12.2-amd64' }
const choose = (packages: ReturnType<typeof of>[], known: readonly string[], present = [of('libc6')]) =>
  choosePackages({ packages, kernels }, present, new Set(known))

test('what the image lacks, or has in another version, is installed in the version of the host', () => {
  const { names, pins } = choose([of('libc6', '1-2'), of('app', '2:3-1')], ['libc6', 'app'])
  expect(names).toEqual(['libc6', 'app'])
  expect(pins).toContain('Package: app\nPin: version 2:3-1\nPin-Priority: 1001\n')
})

test('what the image has in the same version is left alone', () => {
  expect(choose([of('libc6')], ['libc6']).names).toEqual([])
})

test('the kernels of the host come by name, and one that the archive has dropped is told of', () => {
  const { names, notes } = choose([], ['linux-image-6.12.2-amd64'])
  expect(names).toEqual(['linux-image-6.12.2-amd64'])
  expect(notes).toEqual(["linux-image-6.12.1-amd64 is not in Debian's archive any more"])
})

test("a host without criu is swapped with the image's, which is told", () => {
  const present = [of('criu', '4.1-1'), ...pair().map((name) => of(name))]
  expect(choose([], [], present).notes).toEqual([
    "the host has no criu, so the copy swaps with the image's 4.1-1",
  ])
  expect(choose([of('criu', '4.1-1')], [], present).notes).toEqual([])
})

test('the kernel that was asked for comes instead of the newest of the host', () => {
  const asked = { ...kernels, asked: '6.18.1-amd64' }
  const known = new Set([...pair(), 'linux-image-6.18.1-amd64'])
  expect(choosePackages({ packages: [], kernels: asked }, [], known).names).toEqual([
    ...['linux-image-6.12.1-amd64', 'linux-image-6.18.1-amd64'],
  ])
})

test('a kernel that neither the archive nor the image has is refused', () => {
  const refuse = (release: string) =>
    refuseUnknownKernel(release, [of('linux-image-6.12.1-amd64')], new Set(['linux-image-6.12.2-amd64']))
  expect(() => refuse('6.12.1-amd64')).not.toThrow()
  expect(() => refuse('6.12.2-amd64')).not.toThrow()
  expect(() => refuse('6.12.3-amd64')).toThrow('Kernel 6.12.3-amd64 is neither in')
})

test('how the machine boots, reaches its network and minds its hardware is its own business', () => {
  const own = [
    'linux-image-6.12.1-amd64',
    'grub-pc',
    'ifupdown',
    'cloud-init',
    'intel-microcode',
    'kernelswap',
  ]
  expect(
    choose(
      own.map((name) => of(name)),
      own,
    ).names,
  ).toEqual(['linux-image-6.12.1-amd64'])
})

test("packages that Debian doesn't have are told of, those of another architecture passed over", () => {
  const { names, notes } = choose([of('ours'), of('libc6', '1-2', 'i386')], ['libc6', ...pair()])
  expect(names).toEqual(pair())
  expect(notes).toEqual(["not in Debian's archive, so not in the copy: ours"])
})

function pair(): string[] {
  return [`linux-image-${kernels.running}`, `linux-image-${kernels.newest}`]
}
