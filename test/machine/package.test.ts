import { expect, test } from 'vitest'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { findPackage } from '../../src/remote/package.ts'
import { inMachine, inShell, isUnattended, mainPids, withPlainMachine } from './support.ts'

const setting = '/etc/kernelswap/config.d/50-kernelswap.toml'
const install = 'DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet'

/** Protects what an administrator takes for granted of a Debian package, on a Debian where it never was before. */
test.runIf(isUnattended)('the package comes, is renewed, goes and is forgotten', () =>
  withPlainMachine('package', async (machine) => {
    const services = await mainPids(machine)
    await bringPackages(machine)

    await inShell(machine, `${install} /root/kernelswap.deb`)
    await expectSoundUnits(machine)
    await expectQuickGenerator(machine)

    await inShell(machine, `echo '# ours' >> ${setting}`)
    await inMachine(machine, 'kernelswap', 'schedule', '--on-calendar', 'Sun 03:00')
    await inMachine(machine, 'kernelswap', 'adopt', 'redis-server.service')
    await inShell(machine, `${install} /root/renewed.deb`)
    expect(await inShell(machine, 'dpkg --status kernelswap | grep ^Version:')).toMatch(/\+renewed$/)
    await expectKept(machine)
    expect(await inMachine(machine, 'systemctl', 'is-active', 'kernelswap-scheduled.timer')).toBe('active')

    await inShell(machine, 'apt-get remove --yes --quiet kernelswap')
    await expectKept(machine)
    expect(await inShell(machine, 'systemctl list-timers --no-legend kernelswap*')).toBe('')
    expect(await inShell(machine, 'systemctl list-units --all --no-legend kernelswap*')).toBe('')

    await inShell(machine, `${install} /root/kernelswap.deb`)
    expect(await inMachine(machine, 'systemctl', 'is-active', 'kernelswap-scheduled.timer')).toBe('active')

    await inShell(machine, 'apt-get purge --yes --quiet kernelswap')
    const left = 'find /etc /usr /var/lib /run -xdev -iname "*kernelswap*" -not -path "/var/lib/dpkg/*"'
    expect(await inShell(machine, left)).toBe('')
    expect(await inShell(machine, 'systemctl --failed --no-legend')).toBe('')
    expect(await mainPids(machine)).toBe(services)
  }),
)

/** The package, and what the next release's would be. */
async function bringPackages(machine: Machine): Promise<void> {
  const ssh = await machine.ssh()
  await ssh.putFile(findPackage(), '/root/kernelswap.deb', 0o644)
  await inShell(
    machine,
    `cd $(mktemp --directory) && dpkg-deb --raw-extract /root/kernelswap.deb next &&
     sed -i 's/^Version: .*/&+renewed/' next/DEBIAN/control && dpkg-deb -Znone --build next /root/renewed.deb`,
  )
}

/** What the administrator decided outlives an upgrade, and a removal that isn't a purge. */
async function expectKept(machine: Machine): Promise<void> {
  expect(await inShell(machine, `tail -n 1 ${setting}`)).toBe('# ours')
  expect(await inShell(machine, 'ls /etc/systemd/system/kernelswap-scheduled.timer')).toBeTruthy()
  expect(await inShell(machine, 'ls /etc/systemd/system/redis-server.service.d')).toContain(
    'kernelswap-adopt.conf',
  )
}

/** The figures of `security` are for people: a program that stops, dumps and restores anything can't be confined. */
async function expectSoundUnits(machine: Machine): Promise<void> {
  const units = '/usr/lib/systemd/system/kernelswap-*.service'
  expect(await inShell(machine, `systemd-analyze verify --man=no ${units} 2>&1`)).toBe('')
  const exposure = 'systemd-analyze security --no-pager kernelswap-land.service kernelswap-settle.service'
  const told = await inShell(machine, `${exposure} | grep -h 'Overall exposure'`)
  expect(told.split('\n')).toHaveLength(2)
  process.stdout.write(`${told}\n`)
}

/** Without a pending swap the generator is a shell that looks for a file and goes. */
async function expectQuickGenerator(machine: Machine): Promise<void> {
  const seconds = async (program: string) =>
    Number(
      await inShell(
        machine,
        `d=$(mktemp --directory); TIMEFORMAT=%R; { time for i in $(seq 50); do ${program} $d $d $d; done; } 2>&1`,
      ),
    ) / 50
  const generator = await seconds('/usr/lib/systemd/system-generators/kernelswap-generator')
  const shell = await seconds('sh -c :')
  process.stdout.write(
    `generator ${(generator * 1000).toFixed(1)} ms, a shell ${(shell * 1000).toFixed(1)} ms\n`,
  )
  expect(generator).toBeLessThan(2 * shell)
}
