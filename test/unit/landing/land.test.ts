import { rmSync, symlinkSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { layoutVersion } from '../../../src/layout.ts'
import { grub } from '../../../src/os/grub.ts'
import { Sandbox } from './sandbox.ts'

let sandbox: Sandbox
beforeEach(() => {
  sandbox = new Sandbox()
  sandbox.write('/swap/plan.json', '{}')
  symlinkSync(sandbox.path('/swap'), sandbox.path('/etc/kernelswap/landing/swap'))
  for (const name of ['links', 'addresses', 'routes', 'units.list', 'gate.nft', 'sealed'])
    sandbox.write(`/etc/kernelswap/landing/${name}`, '')
  sandbox.write('/etc/kernelswap/landing/last-pid', '0\n')
  sandbox.write('/etc/kernelswap/landing/layout-version', `${layoutVersion}\n`)
  for (const program of ['systemctl', 'nft', 'ip', 'criu'])
    sandbox.program(program, `echo "${program} $*" >> ${sandbox.path('/asked')}`)
})
afterEach(() => sandbox.remove())

const log = () =>
  sandbox
    .read('/swap/land.log')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(2).join(' '))

/** There is no directory of checkpoints then, and no unit to name. */
test('a swap that carries nothing lands: its units were only restarted', () => {
  expect(sandbox.run('land')).toMatchObject({ code: 0 })
  expect(log()).toEqual(['landing', 'network', 'files', 'restored', 'gate-open'])
  expect(sandbox.list('/etc/kernelswap/landing')).not.toContain('sealed')
  expect(sandbox.read('/asked')).toContain('nft delete table inet kernelswap')
  expect(sandbox.read('/asked')).not.toContain('systemctl')
})

/** systemd makes a room once: a socket that comes later would be missing in it, or keep the whole unit from starting. */
test('sockets that rooms show are there before the units start', () => {
  sandbox.write('/etc/kernelswap/landing/sockets', 'systemd-journald-dev-log.socket\n')
  sandbox.write('/etc/kernelswap/landing/units.list', 'a.service\n')
  sandbox.write('/swap/workloads/a.service/main-pid', '77\n')
  sandbox.write('/swap/workloads/a.service/on-restore-failure', 'cold\n')
  expect(sandbox.run('land')).toMatchObject({ code: 0 })
  const [first, second] = sandbox
    .read('/asked')
    .split('\n')
    .filter((line) => line.startsWith('systemctl start'))
  expect(first).toBe('systemctl start --job-mode=ignore-dependencies -- systemd-journald-dev-log.socket')
  expect(second).toContain('-- a.service')
})

/** A damaged checkpoint is never restored; what is to be done then its policy says. */
test.each([
  ['cold', ['gate-open'], false],
  ['stop', [], true],
])('a unit that is not back goes by its policy: %s', (policy, after, isSealed) => {
  const unit = String.raw`a@x-y\x2dz.service`
  sandbox.write('/etc/kernelswap/landing/units.list', `${unit}\n`)
  sandbox.write(`/swap/workloads/${unit}/main-pid`, '77\n')
  sandbox.write(`/swap/workloads/${unit}/on-restore-failure`, `${policy}\n`)
  sandbox.program('systemctl', '[ "$1" != show ] || printf "MainPID=0\\nActiveState=failed\\n"')
  expect(sandbox.run('land')).toMatchObject({ code: 0 })
  expect(log()).toEqual(['landing', 'network', 'files', 'restored', `failed restore ${unit}`, ...after])
  expect(sandbox.list('/etc/kernelswap/landing').includes('sealed')).toBe(isSealed)
  expect(sandbox.list('/run/kernelswap/sound')).toEqual([])
})

/** What it means could only be guessed, and it is the only copy of what the services had in memory. */
test.each([
  ['another version', `${layoutVersion + 1}\n`, String(layoutVersion + 1)],
  ['no version', '', 'unknown'],
])('a layout of %s is refused in words, and stays sealed behind its gate', (_, version, named) => {
  sandbox.write('/etc/kernelswap/landing/layout-version', version)
  rmSync(sandbox.path('/etc/kernelswap/landing/last-pid'))
  const { code, stderr } = sandbox.run('land')
  expect(code).not.toBe(0)
  expect(stderr).toContain(`nothing is restored: layout ${named} is of another version of kernelswap`)
  expect(log()).toEqual([
    `failed layout: it is ${named}, and this version of kernelswap restores ${layoutVersion}`,
  ])
  expect(sandbox.list('/etc/kernelswap/landing')).toContain('sealed')
  expect(sandbox.read('/asked')).toBe(`nft -f ${sandbox.path('/etc/kernelswap/landing/gate.nft')}\n`)
})

/** A boot loader is aimed once: the next boot would start the kernel that has just failed. */
test('a boot that has fallen back aims the boot loader again', () => {
  const entry = 'a menu>it\'s "x"  $y'
  sandbox.write('/etc/kernelswap/landing/fallback', `${grub.aimCommand(entry).join('\n')}\n`)
  sandbox.program('grub-reboot', `printf '%s\\n' "$#" "$@" > ${sandbox.path('/aimed')}`)
  expect(sandbox.run('land')).toMatchObject({ code: 0 })
  expect(sandbox.read('/aimed')).toBe(`1\n${entry}\n`)
  expect(log()).not.toContain('failed fallback')
  sandbox.program('grub-reboot', 'exit 1')
  expect(sandbox.run('land')).toMatchObject({ code: 0 })
  expect(log()).toContain('failed fallback')
})
