import { expect, test } from 'vitest'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { aimedAt, atBootsOf, inMachine, inShell, swapAndFallBack, withMachine } from './support.ts'

/**
 * A boot loader starts the newest kernel by default, and that is the one that has just panicked: the machine would
 * panic for ever with everybody's memory on its disk.
 */
test('a kernel that panics at once is left for the old one, although it is the default', () =>
  withMachine('fallback', async (machine) => {
    const { 'older-stable': old, 'newest-stable': target } = machine.image.kernels
    await makeDefault(machine, target)
    if (process.env.KERNELSWAP_FAULTS === 'all') await cutPowerOnce(machine, old)
    // An initrd that is none: the kernel finds no root file system.
    await inShell(machine, `echo broken > /boot/initrd.img-${target}`)

    const report = await swapAndFallBack(machine)

    expect(report.reason).toBe('the new kernel did not come up')
    expect(await inMachine(machine, 'uname', '-r')).toBe(old)
    // The next boot is the administrator's again.
    expect(await inShell(machine, aimedAt)).toBe('')
    expect(await inMachine(machine, 'grub-editenv', '-', 'list')).toContain(`>gnulinux-${target}-advanced-`)
  }))

/** Cuts the power of the first boot of a kernel as soon as its landing has aimed the boot loader again. */
async function cutPowerOnce(machine: Machine, kernel: string): Promise<void> {
  const cut = `#!/bin/sh
until grub-editenv - list | grep -q next_entry=.; do sleep 0.1; done
sync
echo b > /proc/sysrq-trigger`
  await inShell(machine, `cat > /usr/local/bin/cut <<'END'\n${cut}\nEND\nchmod 755 /usr/local/bin/cut`)
  const start = 'systemd-run --quiet --no-block --property=DefaultDependencies=no /usr/local/bin/cut'
  await atBootsOf(machine, kernel, `[ -e /root/was-cut ] || { touch /root/was-cut; sync; ${start}; }`)
}

/** Makes a kernel the one that GRUB starts, as it would be if it were the newest. */
async function makeDefault(machine: Machine, kernel: string): Promise<void> {
  const entry = `grep -o "gnulinux-${kernel}-advanced-[^']*" /boot/grub/grub.cfg`
  const menu = 'grep -o "gnulinux-advanced-[^\']*" /boot/grub/grub.cfg'
  await inShell(machine, `grub-set-default "$(${menu})>$(${entry})"`)
}
