import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import { aimedAt, expectUnharmed, inMachine, inShell, withMachine } from './support.ts'

/**
 * A boot loader starts the newest kernel by default, and that is the one that has just panicked: the machine would
 * panic for ever with everybody's memory on its disk.
 */
test('a kernel that panics at once is left for the old one, although it is the default', () =>
  withMachine('fallback', async (machine) => {
    const { 'older-stable': old, 'newest-stable': target } = machine.image.kernels
    await makeDefault(machine, target)
    // An initrd that is none: the kernel finds no root file system.
    await inShell(machine, `echo broken > /boot/initrd.img-${target}`)
    const before = await mainPids(machine)
    const clients = await startClients(machine.address, machineUnits)

    const outcome = await runRemoteSwap(machine, ['--kernel', target, ...machineUnits], () => {})

    expect(outcome).toMatchObject({
      kind: 'report',
      report: {
        verdict: 'fell-back',
        reason: 'the new kernel did not come up',
        kernel: { to: target, running: old },
      },
    })
    expect(await inMachine(machine, 'uname', '-r')).toBe(old)
    expect(await mainPids(machine)).toBe(before)
    await expectUnharmed(clients)
    // The next boot is the administrator's again.
    expect(await inShell(machine, aimedAt)).toBe('')
    expect(await inMachine(machine, 'grub-editenv', '-', 'list')).toContain(`>gnulinux-${target}-advanced-`)
  }))

/** Makes a kernel the one that GRUB starts, as it would be if it were the newest. */
async function makeDefault(machine: Machine, kernel: string): Promise<void> {
  const entry = `grep -o "gnulinux-${kernel}-advanced-[^']*" /boot/grub/grub.cfg`
  const menu = 'grep -o "gnulinux-advanced-[^\']*" /boot/grub/grub.cfg'
  await inShell(machine, `grub-set-default "$(${menu})>$(${entry})"`)
}

function mainPids(machine: Machine): Promise<string> {
  return inShell(machine, `systemctl show --property=MainPID --value ${machineUnits.join(' ')}`)
}
