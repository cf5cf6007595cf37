import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import { expectNoneHeld, expectUnharmed, inMachine, inShell, withMachine } from './support.ts'

/** CRIU takes minutes for as many areas as a process may have, where a machine is emulated. */
const areas = process.env.KERNELSWAP_FAULTS === 'all' ? 30_000 : 3000

/** mmap and read of arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const [mmap, read] = process.arch === 'arm64' ? [222, 63] : [9, 0]

const prelude = `#!/usr/bin/perl
use strict;
open(my $random, '<', '/dev/urandom') or die;
sub area { my ($size, $prot, $flags) = @_; my $at = syscall(${mmap}, 0, $size, $prot, $flags, -1, 0); die $! if $at == -1; $at }
sub touch { syscall(${read}, fileno($random), $_[0] + 0, 4096) == 4096 or die $! }
`

const programs: Readonly<Record<string, string>> = {
  // PROT_NONE; then a little, far apart. MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE.
  reserver: `${prelude}area(8 << 40, 0, 0x4022);
my $sparse = area(2 << 40, 3, 0x4022);
touch($sparse + $_) for (0, 1 << 40, (1 << 40) + 4096);
sleep 1 while 1;
`,
  // Neighbours that differ aren't joined.
  splitter: `${prelude}for (1 .. ${areas / 2}) { area(4096, 1, 0x22); touch(area(4096, 3, 0x22)) }
sleep 1 while 1;
`,
  // Tells systemd that it is alive, sd_notify(3).
  pinger: `#!/usr/bin/perl
use strict;
use Socket;
while (1) {
    socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
    send($socket, 'WATCHDOG=1', 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die $!;
    close($socket);
    sleep 2;
}
`,
}
const settings: Readonly<Record<string, string>> = { pinger: 'WatchdogSec=15\nNotifyAccess=main\n' }
const units = [...machineUnits, ...Object.keys(programs).map((name) => `${name}.service`)]

async function install(machine: Machine): Promise<void> {
  const shell = await machine.ssh()
  for (const [name, program] of Object.entries(programs)) {
    const unit = `[Service]\nExecStart=/usr/local/bin/${name}\n${settings[name] ?? ''}`
    await writeFile(join(machine.directory, name), program)
    await writeFile(join(machine.directory, `${name}.service`), unit)
    await shell.putFile(join(machine.directory, name), `/usr/local/bin/${name}`, 0o755)
    await shell.putFile(
      join(machine.directory, `${name}.service`),
      `/etc/systemd/system/${name}.service`,
      0o644,
    )
    await inMachine(machine, 'systemctl', 'start', `${name}.service`)
  }
}

/** The main process of the service that has a watchdog, which is shorter than the freeze. */
function pinger(machine: Machine): Promise<string> {
  return inMachine(machine, 'systemctl', 'show', '--property=MainPID', '--value', 'pinger.service')
}

/**
 * Protects clients from a freeze that doesn't end: whether its process waits for something in vain or is stuck itself, all
 * is taken back at the limit.
 */
test('a freeze that hangs is taken back at its limit, and what only reserves memory takes none of it', () =>
  withMachine('freeze', async (machine) => {
    await install(machine)
    const clients = await startClients(machine.address, machineUnits)
    await inShell(machine, 'echo "freeze-timeout = 30" > /etc/kernelswap/config.d/50-limit.toml')
    for (const fault of ['hold', 'hang']) {
      await inMachine(machine, 'systemctl', 'set-environment', `KERNELSWAP_FAILPOINT=step:snapshot=${fault}`)
      const pid = await pinger(machine)
      const outcome = await runRemoteSwap(machine, [...machineUnits, 'pinger.service'], () => {})
      expect(outcome, fault).toMatchObject({
        kind: 'report',
        report: { verdict: 'aborted', reason: expect.stringMatching(/longer than 30 s: step snapshot/) },
      })
      await expectNoneHeld(machine)
      expect(await pinger(machine)).toBe(pid)
      expect(await inMachine(machine, 'systemctl', 'service-watchdogs')).toBe('yes')
      expect(
        await inShell(
          machine,
          'nft list tables; systemctl list-timers --all "kernelswap-limit*" --no-legend',
        ),
      ).toBe('')
    }
    // Before the jump, which is a pause of its own.
    await expectUnharmed(clients)
    await inShell(
      machine,
      'systemctl unset-environment KERNELSWAP_FAILPOINT; rm /etc/kernelswap/config.d/50-limit.toml',
    )
    const kernel = machine.image.kernels['newest-backports']
    const outcome = await runRemoteSwap(machine, ['--strict', '--kernel', kernel, ...units], () => {})
    expect(outcome).toMatchObject({ kind: 'report', report: { verdict: 'swapped', reason: null } })
  }))
