import { run } from '../host/local.ts'

/**
 * Ends repair mode of every TCP socket that these processes hold.
 *
 * CRIU leaves dumped sockets in it when it leaves the tasks stopped (criu/cr-dump.c, cr_dump_finish): a read would
 * fail with EPERM, and a close would tell the peer nothing (tcp(7) doesn't name TCP_REPAIR; net/ipv4/tcp.c). The
 * sockets are reached through copies of the descriptors, pidfd_getfd(2): Node can't make that call, perl can.
 */
export async function endTcpRepair(pids: readonly number[]): Promise<void> {
  if (pids.length > 0) await run('perl', ['-e', script, ...pids.map(String)], { timeoutSeconds: 60 })
}

/** pidfd_open is 434 and pidfd_getfd 438 everywhere; TCP_REPAIR is 19 of level 6 (include/uapi/linux/tcp.h). */
const script = `
use strict;
for my $pid (@ARGV) {
  my $process = syscall(434, $pid + 0, 0);
  next if $process < 0;
  opendir(my $directory, "/proc/$pid/fd") or next;
  for my $fd (grep { (readlink("/proc/$pid/fd/$_") // "") =~ /^socket:/ } readdir $directory) {
    my $copy = syscall(438, $process, $fd + 0, 0);
    next if $copy < 0;
    open(my $socket, "+<&=", $copy) or next;
    my $mode = getsockopt($socket, 6, 19);
    setsockopt($socket, 6, 19, pack("i", 0)) or die "PID $pid, descriptor $fd: $!\\n"
      if defined $mode && length($mode) == 4 && unpack("i", $mode) == 1;
  }
}
`
