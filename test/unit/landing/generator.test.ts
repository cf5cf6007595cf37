import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { layoutVersion } from '../../../src/layout.ts'

const script = readFileSync(
  new URL('../../../src/landing/static/kernelswap-generator', import.meta.url),
  'utf8',
)
const after = '[Unit]\nAfter=kernelswap-land.service\n'
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kernelswap-generator-'))
  mkdirSync(join(directory, 'landing/units/redis-server.service.d'), { recursive: true })
  mkdirSync(join(directory, 'out'))
  has('units/redis-server.service.d/zz-kernelswap.conf', '[Service]\n')
  has('boot-id', 'the boot before\n')
  has('layout-version', `${layoutVersion}\n`)
  has('units.list', 'redis-server.service\n')
})
afterEach(() => rmSync(directory, { recursive: true }))

/** The landing has this file. */
function has(name: string, content = ''): void {
  writeFileSync(join(directory, 'landing', name), content)
}

/** What the generator writes, by path. */
function generated(): Record<string, string> {
  const here = script
    .replaceAll('/etc/kernelswap/landing', join(directory, 'landing'))
    // Without root we are our own root.
    .replaceAll('! -uid 0', `! -uid 0 ! -uid ${process.getuid?.()}`)
  execFileSync('sh', ['-c', here, 'kernelswap-generator', join(directory, 'out')])
  const files = readdirSync(join(directory, 'out'), { recursive: true, withFileTypes: true })
  const read = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name))
  return Object.fromEntries(
    read.map((file) => [file.slice(directory.length + 5), readFileSync(file, 'utf8')]),
  )
}

test('a boot without a sealed landing is left alone, and so is the one that wrote it', () => {
  expect(generated()).toEqual({})
  has('sealed')
  has('boot-id', boot)
  expect(generated()).toEqual({})
  expect(readdirSync(join(directory, 'out'))).toEqual([])
})

/** The disk may have kept the seal that the release took away; what ran since has other files than the checkpoint. */
test('a boot after the release is left alone, whatever the disk says of the seal', () => {
  has('sealed')
  has('released', '')
  expect(Object.keys(generated())).not.toEqual([])
  has('released', 'the boot before\n')
  rmSync(join(directory, 'out'), { recursive: true })
  mkdirSync(join(directory, 'out'))
  expect(generated()).toEqual({})
})

test('the drop-ins of the units are in force, and the landing comes once udev has begun', () => {
  has('sealed')
  expect(generated()).toEqual({
    'redis-server.service.d/zz-kernelswap.conf': '[Service]\n',
    'kernelswap-land.service.d/kernelswap-order.conf': '[Unit]\nAfter=systemd-udev-trigger.service\n',
  })
  expect(readdirSync(join(directory, 'out/sysinit.target.wants'))).toEqual(['kernelswap-land.service'])
})

/** Both orders at once would be a cycle, which systemd breaks by leaving out a unit: the landing, perhaps. */
test('where no file system needs udev, udev comes after the landing, not before it', () => {
  has('sealed')
  has('early')
  const written = generated()
  expect(written['systemd-udevd.service.d/kernelswap-order.conf']).toBe(after)
  expect(written['systemd-udev-trigger.service.d/kernelswap-order.conf']).toBe(after)
  expect(Object.keys(written)).not.toContain('kernelswap-land.service.d/kernelswap-order.conf')
})

/** Its checkpoints are whole: the kernelswap that wrote them may still come back, and nothing may have run since. */
test.each(['', '0\n', `${layoutVersion + 1}\n`])(
  'the units of another layout wait, and start neither way: %j',
  (version) => {
    has('sealed')
    has('layout-version', version)
    const written = generated()
    expect(Object.keys(written).sort()).toEqual([
      'kernelswap-land.service.d/kernelswap-order.conf',
      'redis-server.service.d/zz-kernelswap.conf',
    ])
    expect(written['redis-server.service.d/zz-kernelswap.conf']).toBe(
      `[Unit]\nConditionPathExists=!${join(directory, 'landing/sealed')}\n`,
    )
    expect(readdirSync(join(directory, 'out/sysinit.target.wants'))).toEqual(['kernelswap-land.service'])
  },
)

/** The units start cold, and what they write must not meet old memory in a later boot: the seal goes. */
function expectRefused(): void {
  const written = generated()
  expect(Object.keys(written)).toEqual(['kernelswap-unseal.service'])
  expect(written['kernelswap-unseal.service']).toContain(
    `\nExecStart=rm -f ${join(directory, 'landing/sealed')}\n`,
  )
  expect(readdirSync(join(directory, 'out/sysinit.target.wants'))).toEqual(['kernelswap-unseal.service'])
}

test.each([
  ['landing', 0o777],
  ['landing/units', 0o775],
  ['landing/units/redis-server.service.d/zz-kernelswap.conf', 0o666],
  ['', 0o757],
])('nothing that others could have written is handed to systemd (%s)', (path, mode) => {
  has('sealed')
  symlinkSync('/nowhere', join(directory, 'landing/swap'))
  expect(Object.keys(generated())).toHaveLength(2)
  rmSync(join(directory, 'out'), { recursive: true })
  mkdirSync(join(directory, 'out'))
  chmodSync(join(directory, path), mode)
  expectRefused()
})

test.runIf(process.getuid?.() === 0)('nor what belongs to somebody else', () => {
  has('sealed')
  chownSync(join(directory, 'landing/units'), 1000, 0)
  expectRefused()
})
