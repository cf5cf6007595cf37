import { run } from '../host/local.ts'
import { taskLibrary } from './task-library.ts'

/**
 * Ends repair mode of every TCP socket that these processes hold.
 *
 * CRIU leaves dumped sockets in it when it leaves the tasks stopped (criu/cr-dump.c, cr_dump_finish): a read would
 * fail with EPERM, and a close would tell the peer nothing (tcp(7) doesn't name TCP_REPAIR; net/ipv4/tcp.c).
 */
export async function endTcpRepair(pids: readonly number[]): Promise<void> {
  const end = 'setsockopt($socket, 6, 19, pack("i", 0)) or die "PID $pid, descriptor $fd: $!\\n";'
  await eachInRepair(pids, end)
}

/**
 * What the peers of these processes' TCP connections may be waiting for, as the landing's `wake` reads it, a line each: both
 * ends, and the number of the next byte that we expect. Only sockets in repair mode tell it, so this is for dumped tasks.
 */
export async function awaitedPeers(pids: readonly number[]): Promise<string> {
  return await eachInRepair(pids, tellConnection)
}

/**
 * Runs a piece of perl for every TCP socket in repair mode, and returns what it prints. The sockets are reached through
 * copies of the descriptors, pidfd_getfd(2): Node can't make that call, perl can.
 */
async function eachInRepair(pids: readonly number[], piece: string): Promise<string> {
  if (pids.length === 0) return ''
  const ended = await run('perl', ['-e', walk(piece), ...pids.map(String)], { timeoutSeconds: 60 })
  return ended.stdout
}

/** TCP_REPAIR is 19 of level 6 (include/uapi/linux/tcp.h). */
const walk = (piece: string) => `${taskLibrary}
use Socket qw(:DEFAULT inet_ntop unpack_sockaddr_in6 AF_INET6);
for my $pid (@ARGV) {
  opendir(my $directory, "/proc/$pid/fd") or next;
  for my $fd (grep { (readlink("/proc/$pid/fd/$_") // "") =~ /^socket:/ } readdir $directory) {
    my $copy = copy_fd($pid, $fd);
    next if $copy < 0;
    open(my $socket, "+<&=", $copy) or next;
    my $mode = getsockopt($socket, 6, 19);
    next unless defined $mode && length($mode) == 4 && unpack("i", $mode) == 1;
    ${piece}
  }
}
`

/** TCP_REPAIR_QUEUE (20) chooses the receive queue (1), whose number TCP_QUEUE_SEQ (21) is the next one expected, and then none again. */
const tellConnection = `
    my @ends = map { address($_) } getsockname($socket), getpeername($socket) // next;
    setsockopt($socket, 6, 20, pack("i", 1));
    my $next = unpack("L", getsockopt($socket, 6, 21) // next);
    setsockopt($socket, 6, 20, pack("i", 0));
    print join(" ", @ends, $next), "\\n";

    # An IPv4 connection of an IPv6 socket goes by IPv4 all the same (ipv6(7)).
    sub address {
      my $name = shift;
      if (sockaddr_family($name) == AF_INET) {
        my ($port, $address) = unpack_sockaddr_in($name);
        return (inet_ntop(AF_INET, $address), $port);
      }
      my ($port, $address) = unpack_sockaddr_in6($name);
      return (inet_ntop(AF_INET6, $address) =~ s/^::ffff:(?=\\d+\\.)//r, $port);
    }
`
