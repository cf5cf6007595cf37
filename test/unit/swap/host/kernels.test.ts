import { mkdtempSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { installedKernels } from '../../../../src/os/distributions.ts'
import {
  chooseKernel,
  isJumpOf,
  kernelObstacles,
  missingOptions,
  nextCommandLine,
  pidMax,
} from '../../../../src/swap/host/kernels.ts'

const boot = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  boot.directory = mkdtempSync(join(tmpdir(), 'kernelswap-boot-'))
  return { paths: { ...paths, boot: boot.directory as '/boot' } }
})

const old = '6.12.116+deb13-cloud-amd64'
const newer = '6.12.117+deb13-cloud-amd64'
const options =
  'CHECKPOINT_RESTORE NAMESPACES UTS_NS IPC_NS PID_NS NET_NS FHANDLE EVENTFD EPOLL INOTIFY_USER UNIX_DIAG INET_DIAG INET_UDP_DIAG NETLINK_DIAG NF_TABLES NF_TABLES_INET NFT_REJECT_INET'
const config = options
  .split(' ')
  .map((option, index) => `CONFIG_${option}=${index % 3 === 0 ? 'm' : 'y'}\n`)
  .join('')

async function install(version: string, text = config): Promise<void> {
  for (const name of ['vmlinuz', 'initrd.img'])
    await writeFile(join(boot.directory, `${name}-${version}`), '')
  await writeFile(join(boot.directory, `config-${version}`), text)
}

beforeEach(async () => {
  await rm(boot.directory, { recursive: true, force: true })
  await mkdir(boot.directory)
})
afterAll(() => rm(boot.directory, { recursive: true }))

describe('which kernel', () => {
  test('releases are ordered as versions, not as text', async () => {
    const ordered = [
      '5.10.0-9-amd64',
      '5.10.0-30-amd64',
      '6.9.12-amd64',
      '6.12.9-amd64',
      old,
      newer,
      '7.3.4+deb13-cloud-amd64',
    ]
    for (const version of ordered.toReversed()) await install(version)
    await writeFile(join(boot.directory, 'vmlinuz.old'), '')
    expect(await installedKernels()).toEqual(ordered)
  })

  /** Once the newest, such a copy would be what a swap goes to by default. */
  test('copies that others keep beside a kernel, and what is no release, are none', async () => {
    await install(newer)
    const copies = ['.old', '.bak', '.dpkg-new', '.dpkg-old', '.dpkg-tmp', '.rpmsave', '~']
    for (const name of [...copies.map((end) => `999.9.9${end}`), 'rescue', '', '9.9\x1b[2J', '6.1 .0'])
      await writeFile(join(boot.directory, `vmlinuz-${name}`), '')
    expect(await installedKernels()).toEqual([newer])
    await expect(chooseKernel('999.9.9.old')).rejects.toMatchObject({ kind: 'refused' })
  })

  test.each(['5.15.0-1+bpo.2-amd64', '6.18.0-rc1+', '2.6.32.71', '6.12.57+deb13-amd64', '6.1.0_custom.1'])(
    '%s is a release',
    async (version) => {
      await install(version)
      expect(await installedKernels()).toEqual([version])
    },
  )

  /** A candidate is no target that anybody wants by default once its release is there. */
  test('a release candidate comes before its release', async () => {
    const ordered = [
      '6.12.1-amd64',
      '6.13~rc7-amd64',
      '6.13-amd64',
      '6.13.2-amd64',
      '7.0.0-rc2',
      '7.0.0-rc10',
      '7.0.0',
    ]
    for (const version of ordered) await install(version)
    expect(await installedKernels()).toEqual(ordered)
  })

  test('the newest that is not running is the default, also where that is older', async () => {
    for (const version of [old, newer]) await install(version)
    expect(await chooseKernel(undefined)).toBe(newer)
    await install(`99.${release()}`)
    expect(await chooseKernel(undefined)).toBe(`99.${release()}`)
    expect(await chooseKernel(old)).toBe(old)
  })

  test('the running kernel is no target by default', async () => {
    await install(release())
    await expect(chooseKernel(undefined)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/No kernel but the running one is installed/),
    })
  })

  test('one that is not installed is refused with a list of those that are', async () => {
    await install(old)
    await expect(chooseKernel('9.9.9')).rejects.toMatchObject({
      kind: 'refused',
      message: `Kernel 9.9.9 is not installed (there is: ${old}); install its package first.`,
    })
  })
})

describe('what keeps the host from a kernel', () => {
  test('nothing where it is whole', async () => {
    await install(newer)
    expect(await kernelObstacles(newer)).toEqual([])
  })

  test.each(['vmlinuz', 'initrd.img', 'config'])('a missing %s', async (name) => {
    await install(newer)
    await rm(join(boot.directory, `${name}-${newer}`))
    expect((await kernelObstacles(newer))[0]!.reason).toContain(`${name}-${newer}`)
  })

  test('a configuration without what CRIU needs', async () => {
    await install(newer, config.replace('CONFIG_UNIX_DIAG=y', '# CONFIG_UNIX_DIAG is not set'))
    expect((await kernelObstacles(newer))[0]!.reason).toMatch(/is built without CONFIG_UNIX_DIAG$/)
  })
})

test('an option counts as set when it is built in or a module, under its whole name', () => {
  expect(missingOptions(config)).toEqual([])
  expect(missingOptions('')).toEqual(options.split(' '))
  expect(missingOptions(config.replace('CONFIG_EPOLL=', 'CONFIG_EPOLL_OLD='))).toEqual(['EPOLL'])
  expect(missingOptions(config.replace('CONFIG_PID_NS=y', 'CONFIG_PID_NS=n'))).toEqual(['PID_NS'])
})

describe('the command line of the next kernel', () => {
  const passage = { lastPid: 5000, swap: undefined, watchdogSeconds: 0 }
  const own = `panic=10 sysctl.kernel.pid_max=${pidMax} sysctl.kernel.ns_last_pid=5000`

  test.each([
    [
      'keeps what the running one was given',
      'root=/dev/vda rw console=ttyS0 "a=b c"\n',
      `root=/dev/vda rw console=ttyS0 "a=b c" ${own}`,
    ],
    [
      'leaves out what the boot loader added',
      'BOOT_IMAGE=/boot/vmlinuz root=/dev/vda initrd=\\x.img',
      `root=/dev/vda ${own}`,
    ],
    [
      'keeps names that only begin alike',
      'panic_on_warn=1 root=x sysctl.kernel.pid_max_x=1',
      `panic_on_warn=1 root=x sysctl.kernel.pid_max_x=1 ${own}`,
    ],
  ])('%s', (_, current, expected) => {
    expect(nextCommandLine(current, passage)).toBe(expected)
  })

  test('does not grow from swap to swap', () => {
    const jump = { lastPid: 4000, swap: '20260101000000', watchdogSeconds: 240 }
    const once = nextCommandLine('root=/dev/vda rw panic=0', jump)
    expect(nextCommandLine(once, jump)).toBe(once)
    expect(nextCommandLine(once, { ...jump, lastPid: 9000 })).toBe(once.replace('=4000', '=9000'))
    expect(nextCommandLine(once, passage)).toBe(`root=/dev/vda rw ${own}`)
  })

  /** A fall-back must not be taken for the jump, nor another swap's jump for this one's. */
  test('says whose jump it is, and nothing does so by accident', () => {
    const marked = nextCommandLine('root=/dev/vda', { ...passage, swap: '20260101000000' })
    expect(isJumpOf(`${marked}\n`, '20260101000000')).toBe(true)
    expect(isJumpOf(marked, '2026010100000')).toBe(false)
    expect(isJumpOf(marked, '20260101000001')).toBe(false)
    expect(isJumpOf(nextCommandLine(marked, passage), '20260101000000')).toBe(false)
  })

  test('has PID 1 keep the watchdog only where there is one to keep', () => {
    expect(nextCommandLine('', { ...passage, watchdogSeconds: 60 })).toMatch(/ systemd\.watchdog_sec=60$/)
    expect(nextCommandLine('', passage)).not.toMatch(/watchdog/)
  })
})
