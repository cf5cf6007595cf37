import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { inMachine, inShell } from './support.ts'

/** Counts on standard output, and keeps files on every kind of tmpfs that a service can have. */
const program = `#!/usr/bin/perl
use strict;
$| = 1;
for my $path ('/run/ticker/state', '/tmp/state', '/dev/shm/ticker') {
    open(my $file, '>', $path) or die "$path: $!";
    print $file "kept\\n";
}
open(our $shm, '+<', '/dev/shm/ticker') or die;
for (my $tick = 0; ; $tick++) { print "tick $tick\\n"; sleep 1; }
`

const unit = `[Unit]
Description=Counts, and keeps files on tmpfs

[Service]
ExecStart=/usr/local/bin/ticker
SyslogIdentifier=ticker
User=daemon
RuntimeDirectory=ticker
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths=/dev/shm
`

/** Installs and starts a sandboxed service that ticks once a second, with owner, mode, times and attributes set. */
export async function installTicker(machine: Machine): Promise<void> {
  const shell = await machine.ssh()
  await writeFile(join(machine.directory, 'ticker'), program)
  await writeFile(join(machine.directory, 'ticker.service'), unit)
  await shell.putFile(join(machine.directory, 'ticker'), '/usr/local/bin/ticker', 0o755)
  await shell.putFile(join(machine.directory, 'ticker.service'), '/etc/systemd/system/ticker.service', 0o644)
  await inMachine(machine, 'systemctl', 'daemon-reload')
  await inMachine(machine, 'systemctl', 'start', 'ticker.service')
  await inShell(machine, 'until [ -e /dev/shm/ticker ]; do sleep 0.2; done')
  await inShell(
    machine,
    `cd /run/ticker && mkdir -m 2750 folder && ln state folder/hard && ln -s state link && mkfifo -m 600 pipe &&
     setfattr -n user.kernelswap -v 0x00ff0a state && setfacl -m u:nobody:r state 2>/dev/null ||
     setfattr -n user.other -v plain state`,
  )
  await inShell(machine, 'chown 4321:8765 /run/ticker/folder && chmod 6711 /run/ticker/state')
  await inShell(machine, 'touch -d "2020-02-03 04:05:06.789" /run/ticker/state')
}

/** The service's files as it sees them: kind, mode, owner, size, time of change, link, and extended attributes. */
export async function tickerFiles(machine: Machine): Promise<string> {
  const root = '/proc/$(systemctl show --property=MainPID --value ticker)/root'
  // Not the mount point /tmp itself: CRIU makes a directory of its own in it for a moment, which shows in its time.
  const list = 'find run/ticker tmp/* dev/shm/ticker -printf "%p %y %m %U:%G %n %l %T+ \\n" | sort'
  const attributes =
    'getfattr --dump --match=- --encoding=hex run/ticker/state; cat run/ticker/state tmp/state dev/shm/ticker'
  return inShell(machine, `cd ${root} && ${list} && ${attributes}`)
}
