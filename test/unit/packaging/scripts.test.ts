import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const directory = new URL('../../../packaging/', import.meta.url).pathname
const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0

/** Runs a line of shell where /run, /var/lib and /usr/sbin are its own, with the folder of scripts as $0. */
function onOwnHost(line: string): { code: number | null; stdout: string; stderr: string } {
  const mounts = ['/run', '/var/lib', '/usr/sbin'].map((path) => `mount -t tmpfs none ${path}`)
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', `${mounts.join(' && ')} && ${line}`, directory],
    { encoding: 'utf8' },
  )
  return { code: status, stdout, stderr }
}

test.each(['postinst', 'prerm', 'postrm', 'kernel-postinst'])(
  '%s is plain shell that ends at the first error',
  (name) => {
    const text = readFileSync(`${directory}${name}`, 'utf8')
    expect(text).toMatch(/^#!\/bin\/sh\n/)
    expect(text).toMatch(/^set -eu?$/m)
    execFileSync('sh', ['-n'], { input: text })
  },
)

describe.runIf(canMount)('prerm', () => {
  const pending = 'mkdir /var/lib/kernelswap && touch /var/lib/kernelswap/pending'

  test('refuses removal while a swap is pending: nobody else brings back what is checkpointed', () => {
    expect(onOwnHost(`${pending} && sh $0/prerm remove`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/a swap is pending.*resume.*abandon/),
    })
  })

  test('lets go otherwise, and for an upgrade, which brings another program', () => {
    expect(onOwnHost('sh $0/prerm remove')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(onOwnHost(`${pending} && sh $0/prerm upgrade 0.2.0`)).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe.runIf(canMount)('purge', () => {
  const state = '/var/lib/kernelswap'

  test('takes the state away', () => {
    expect(onOwnHost(`mkdir -p ${state}/swaps/1 && sh $0/postrm purge && ls -A /var/lib`)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('leaves what others have mounted below, and succeeds', () => {
    const mounted = `mkdir -p ${state}/swaps ${state}/theirs && mount -t tmpfs none ${state}/theirs && echo kept > ${state}/theirs/file`
    expect(
      onOwnHost(`${mounted} && sh $0/postrm purge && ls -A ${state} && cat ${state}/theirs/file`),
    ).toEqual({ code: 0, stdout: 'theirs\nkept\n', stderr: expect.stringMatching(/kernelswap stays/) })
  })

  test('empties a file system that is the state’s own', () => {
    const own = `mkdir ${state} && mount -t tmpfs none ${state} && mkdir ${state}/swaps`
    expect(onOwnHost(`${own} && sh $0/postrm purge && ls -A ${state}`)).toMatchObject({ code: 0, stdout: '' })
  })
})

describe.runIf(canMount)('the hook of kernel packages', () => {
  const installed = 'ln -s /bin/true /usr/sbin/kernelswap'
  const call = (name: string) =>
    `DPKG_MAINTSCRIPT_PACKAGE=${name} sh $0/kernel-postinst 6.12.9-amd64 /boot/vmlinuz`

  test('notes a package once, beside what others have noted', () => {
    const line = `${installed} && echo libc6 > /run/reboot-required.pkgs && ${call('linux-image-6.12.9-amd64')} && ${call('linux-image-6.12.9-amd64')} && cd /run && ls reboot* && cat /run/reboot-required.pkgs`
    expect(onOwnHost(line)).toEqual({
      code: 0,
      stdout: 'reboot-required\nreboot-required.pkgs\nlibc6\nlinux-image-6.12.9-amd64\n',
      stderr: '',
    })
  })

  test('called by hand, takes the version for the package', () => {
    expect(
      onOwnHost(`${installed} && sh $0/kernel-postinst 6.12.9-amd64 && cat /run/reboot-required.pkgs`).stdout,
    ).toBe('linux-image-6.12.9-amd64\n')
  })

  test('does nothing once kernelswap is removed', () => {
    expect(onOwnHost(`${call('linux-image-x')} && ! ls /run/reboot-required 2>/dev/null`)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })
})
