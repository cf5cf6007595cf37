/**
 * The perl program that `probe` runs: questions on standard input, answers on standard output. Arguments are
 * system call numbers in the order of `NUMBERS`. It uses nothing but perl-base.
 */
export const probeScript = String.raw`
use strict; no warnings;
my ($ROBUST, $IOPRIO, $SCHED, $KCMP, $IOCTL, $FCNTL, $GETOPT, $RECV, $TEE, $PTRACE, $SETNS, $SETOPT) = map { $_ + 0 } @ARGV;
my ($PIDFD_OPEN, $PIDFD_GETFD) = (434, 438);
my ($strict, %pidfd, $out) = (0);

sub say_of { my ($subject, @pairs) = @_; print join("\t", $subject, @pairs), "\n" }
sub refuse { my ($subject, $call) = @_; say_of($subject, "!$call: $!") }

# A copy of another process's descriptor; the caller closes it.
sub copy_fd {
  my ($pid, $fd) = @_;
  $pidfd{$pid} //= syscall($PIDFD_OPEN, $pid + 0, 0);
  return -1 if $pidfd{$pid} < 0;
  return syscall($PIDFD_GETFD, $pidfd{$pid} + 0, $fd + 0, 0);
}
sub release { my $fd = shift; if (open(my $handle, "<&=", $fd)) { close($handle) } }
sub ioctl_int {
  my ($fd, $request) = @_;
  my $value = pack("l", 0);
  return syscall($IOCTL, $fd + 0, $request + 0, $value) < 0 ? undef : unpack("l", $value);
}

sub thread {
  my $tid = shift;
  my ($head, $length) = (pack("Q", 0), pack("Q", 0));
  if (syscall($ROBUST, $tid + 0, $head, $length) < 0) { refuse("robust $tid", "get_robust_list") }
  else { say_of("robust $tid", sprintf("head=%x", unpack("Q", $head)), "length=" . unpack("Q", $length)) }
  my $priority = syscall($IOPRIO, 1, $tid + 0);
  if ($priority < 0) { refuse("ioprio $tid", "ioprio_get") } else { say_of("ioprio $tid", "value=$priority") }
  my $attr = pack("LLQlLQQQLL", 56, (0) x 9);
  if (syscall($SCHED, $tid + 0, $attr, 56, 0) < 0) { refuse("sched $tid", "sched_getattr") }
  else {
    my @a = unpack("LLQlLQQQLL", $attr);
    say_of("sched $tid", "flags=$a[2]", "runtime=$a[5]", "deadline=$a[6]", "period=$a[7]", "min=$a[8]", "max=$a[9]");
  }
  ptraced($tid) if $strict;
}

# PTRACE_SEIZE leaves a stopped process stopped; what is asked needs a ptrace-stop, hence PTRACE_INTERRUPT.
sub ptraced {
  my $tid = shift;
  return refuse("ptrace $tid", "PTRACE_SEIZE") if syscall($PTRACE, 0x4206, $tid + 0, 0, 0) < 0;
  syscall($PTRACE, 0x4207, $tid + 0, 0, 0);
  # __WALL and WNOHANG: a thread that can't stop, such as one in uninterruptible sleep, mustn't hold this up.
  my $stopped = 0;
  for (1 .. 200) {
    last if ($stopped = waitpid($tid, 0x40000001)) != 0;
    select(undef, undef, undef, 0.002);
  }
  return say_of("ptrace $tid", "!it doesn't stop for ptrace(2)") if $stopped != $tid;
  my @found;
  my $rseq = pack("QLLLL", 0, 0, 0, 0, 0);
  if (syscall($PTRACE, 0x420f, $tid + 0, 24, $rseq) >= 0) {
    my ($address, $size) = unpack("QL", $rseq);
    push @found, sprintf("rseq=%x", $address), "rseqSize=$size";
  }
  my ($queue, $info) = ("", "");
  for my $shared (0, 1) {
    my $args = pack("QLl", 0, $shared, 32);
    my $buffer = "\0" x (128 * 32);
    my $count = syscall($PTRACE, 0x4209, $tid + 0, $args, $buffer);
    next if $count < 0;
    push @found, ($shared ? "processQueue=" : "threadQueue=")
      . join(",", map { unpack("H*", substr($buffer, 128 * $_, 48)) } 0 .. $count - 1);
  }
  my $registers = "\0" x 512;
  my $vector = pack("PQ", $registers, 512);
  if (syscall($PTRACE, 0x4204, $tid + 0, 1, $vector) >= 0) {
    my $length = unpack("x8Q", $vector);
    push @found, "registers=" . unpack("H*", substr($registers, 0, $length));
  }
  syscall($PTRACE, 17, $tid + 0, 0, 0);
  say_of("ptrace $tid", @found);
}

sub pipe_ {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("pipe $pid $number", "pidfd_getfd") if $fd < 0;
  my $bytes = ioctl_int($fd, 0x541B);
  my $size = syscall($FCNTL, $fd, 1032, 0);
  my $content = "";
  if ($strict && $bytes) {
    my ($reader, $writer);
    pipe($reader, $writer);
    syscall($FCNTL, fileno($writer), 1031, $size + 0) if $size > 0;
    # Fails for the writing end, which is no loss: another descriptor holds the reading end, or nothing does.
    my $copied = syscall($TEE, $fd, fileno($writer), $bytes + 0, 2);
    if ($copied > 0) { sysread($reader, $content, $copied) }
  }
  say_of("pipe $pid $number", "bytes=$bytes", "size=$size", $content eq "" ? () : "content=" . unpack("H*", $content));
  release($fd);
}

# name, level, number, length, family or protocol it makes sense for. Options whose value moves by itself
# (SO_ERROR, SO_INCOMING_CPU, TCP_QUICKACK) and SO_COOKIE are left out.
my @OPTIONS = (
  (map { ["SO_$_->[0]", 1, $_->[1], $_->[2] // 4, ""] }
    ["REUSEADDR", 2], ["TYPE", 3], ["DONTROUTE", 5], ["BROADCAST", 6], ["SNDBUF", 7], ["RCVBUF", 8], ["KEEPALIVE", 9],
    ["OOBINLINE", 10], ["NO_CHECK", 11], ["PRIORITY", 12], ["LINGER", 13, 8], ["REUSEPORT", 15], ["PASSCRED", 16],
    ["RCVLOWAT", 18], ["RCVTIMEO", 20, 16], ["SNDTIMEO", 21, 16], ["BINDTODEVICE", 25, 16], ["TIMESTAMP", 29],
    ["ACCEPTCONN", 30], ["PASSSEC", 34], ["TIMESTAMPNS", 35], ["MARK", 36], ["TIMESTAMPING", 37], ["PROTOCOL", 38],
    ["DOMAIN", 39], ["RXQ_OVFL", 40], ["PEEK_OFF", 42], ["NOFCS", 43], ["LOCK_FILTER", 44], ["SELECT_ERR_QUEUE", 45],
    ["BUSY_POLL", 46], ["MAX_PACING_RATE", 47, 8], ["ZEROCOPY", 60], ["TXTIME", 61, 8], ["BUF_LOCK", 72],
    ["PREFER_BUSY_POLL", 69], ["RESERVE_MEM", 73], ["TXREHASH", 74], ["RCVMARK", 75], ["PASSPIDFD", 76]),
  (map { ["TCP_$_->[0]", 6, $_->[1], $_->[2] // 4, "tcp"] }
    ["NODELAY", 1], ["MAXSEG", 2], ["CORK", 3], ["KEEPIDLE", 4], ["KEEPINTVL", 5], ["KEEPCNT", 6], ["SYNCNT", 7],
    ["LINGER2", 8], ["DEFER_ACCEPT", 9], ["WINDOW_CLAMP", 10], ["CONGESTION", 13, 16], ["THIN_LINEAR_TIMEOUTS", 16],
    ["USER_TIMEOUT", 18], ["FASTOPEN", 23], ["TIMESTAMP", 24], ["NOTSENT_LOWAT", 25], ["SAVE_SYN", 27],
    ["FASTOPEN_CONNECT", 30], ["ULP", 31, 16], ["FASTOPEN_NO_COOKIE", 34], ["INQ", 36]),
  (map { ["IP_$_->[0]", 0, $_->[1], $_->[2] // 4, "ip"] }
    ["TOS", 1], ["TTL", 2], ["HDRINCL", 3], ["RECVOPTS", 6], ["PKTINFO", 8], ["MTU_DISCOVER", 10], ["RECVERR", 11],
    ["RECVTTL", 12], ["RECVTOS", 13], ["FREEBIND", 15], ["TRANSPARENT", 19], ["RECVORIGDSTADDR", 20], ["MINTTL", 21],
    ["NODEFRAG", 22], ["BIND_ADDRESS_NO_PORT", 24], ["MULTICAST_TTL", 33], ["MULTICAST_LOOP", 34],
    ["MULTICAST_ALL", 49], ["UNICAST_IF", 50], ["LOCAL_PORT_RANGE", 51]),
  (map { ["IPV6_$_->[0]", 41, $_->[1], 4, "ip6"] }
    ["UNICAST_HOPS", 16], ["MULTICAST_IF", 17], ["MULTICAST_HOPS", 18], ["MULTICAST_LOOP", 19], ["MTU_DISCOVER", 23],
    ["RECVERR", 25], ["V6ONLY", 26], ["RECVPKTINFO", 49], ["RECVHOPLIMIT", 51], ["DONTFRAG", 62], ["RECVTCLASS", 66],
    ["TCLASS", 67], ["AUTOFLOWLABEL", 70], ["ADDR_PREFERENCES", 72], ["MINHOPCOUNT", 73], ["TRANSPARENT", 75],
    ["FREEBIND", 78]),
  (map { ["UDP_$_->[0]", 17, $_->[1], 4, "udp"] } ["CORK", 1], ["ENCAP", 100], ["SEGMENT", 103], ["GRO", 104]),
  (map { ["NETLINK_$_->[0]", 270, $_->[1], $_->[2] // 4, "netlink"] }
    ["PKTINFO", 3], ["BROADCAST_ERROR", 4], ["NO_ENOBUFS", 5], ["LISTEN_ALL_NSID", 8], ["LIST_MEMBERSHIPS", 9, 16],
    ["CAP_ACK", 10], ["EXT_ACK", 11], ["GET_STRICT_CHK", 12]),
);

sub option {
  my ($fd, $level, $number, $length) = @_;
  my ($value, $size) = ("\0" x $length, pack("l", $length));
  return undef if syscall($GETOPT, $fd, $level + 0, $number + 0, $value, $size) < 0;
  my $got = unpack("l", $size);
  $got = $length if $got > $length;
  return $got == 4 ? unpack("l", $value) : $got == 1 ? unpack("C", $value) : unpack("H*", substr($value, 0, $got));
}

sub set_option {
  my ($fd, $level, $number, $value) = @_;
  return syscall($SETOPT, $fd, $level + 0, $number + 0, pack("l", $value), 4) >= 0;
}

sub socket_ {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("socket $pid $number", "pidfd_getfd") if $fd < 0;
  my ($domain, $protocol, $type) = (option($fd, 1, 39, 4), option($fd, 1, 38, 4), option($fd, 1, 3, 4));
  my %is = ("" => 1, tcp => $protocol == 6 && $domain != 1, udp => $protocol == 17 && $domain != 1,
    ip => $domain == 2 || $domain == 10, ip6 => $domain == 10, netlink => $domain == 16);
  my @found;
  for my $o (@OPTIONS) {
    next unless $is{$o->[4]};
    my $value = option($fd, $o->[1], $o->[2], $o->[3]);
    push @found, "$o->[0]=$value" if defined $value;
  }
  my $listens = option($fd, 1, 30, 4);
  my $bytes = $listens ? undef : ioctl_int($fd, 0x541B);
  push @found, "bytes=$bytes" if defined $bytes;
  # A set SO_PEEK_OFF would move with a peek.
  my $peek = option($fd, 1, 42, 4);
  # CRIU leaves the connections of a checkpoint in repair mode, where a peek tells from which queue (tcp(7), TCP_REPAIR).
  my $repaired = $is{tcp} && option($fd, 6, 19, 4);
  set_option($fd, 6, 20, 1) if $repaired;
  if ($strict && $bytes && !(defined $peek && $peek >= 0)) {
    my $length = $bytes > 16777216 ? 16777216 : $bytes;
    my $content = "\0" x $length;
    my $got = syscall($RECV, $fd, $content, $length + 0, 0x42, 0, 0);
    push @found, "content=" . unpack("H*", substr($content, 0, $got)) if $got > 0;
  }
  set_option($fd, 6, 20, 0) if $repaired;
  push @found, owner($fd);
  say_of("socket $pid $number", @found);
  release($fd);
}

sub owner {
  my $fd = shift;
  return ("owner=" . syscall($FCNTL, $fd, 9, 0), "signal=" . syscall($FCNTL, $fd, 11, 0));
}

sub memfd {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("memfd $pid $number", "pidfd_getfd") if $fd < 0;
  say_of("memfd $pid $number", "seals=" . syscall($FCNTL, $fd, 1034, 0));
  release($fd);
}

sub terminal {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("terminal $pid $number", "pidfd_getfd") if $fd < 0;
  my ($modes, $window) = ("\0" x 36, "\0" x 8);
  my @found;
  push @found, "modes=" . unpack("H*", $modes) if syscall($IOCTL, $fd, 0x5401, $modes) >= 0;
  push @found, "rows=" . join("x", unpack("SS", $window)) if syscall($IOCTL, $fd, 0x5413, $window) >= 0;
  say_of("terminal $pid $number", @found);
  release($fd);
}

# Descriptors of one group that kcmp(2) finds to be one open file description get the name of the first. Its order of
# kernel addresses is a total one, so that sorting, which keeps equals in their order, brings them together.
sub order { my ($x, $y) = @_; syscall($KCMP, $x->[0] + 0, $y->[0] + 0, 0, $x->[1] + 0, $y->[1] + 0) }
sub shared {
  my @group;
  for my $one (map { [split m{/}] } @_) {
    if (order($one, $one) < 0) { refuse("shared $one->[0] $one->[1]", "kcmp") } else { push @group, $one }
  }
  my $first;
  for my $one (sort { my $order = order($a, $b); $order == 1 ? -1 : $order == 2 ? 1 : 0 } @group) {
    if ($first && order($first, $one) == 0) { say_of("shared $one->[0] $one->[1]", "with=$first->[0]/$first->[1]") }
    else { $first = $one }
  }
}

# Each process reads its own host name and System V tables there, so the probe moves into the other's namespaces, and
# back: uts_namespaces(7), sysvipc(7), setns(2).
my %VIEW = (hostname => "/proc/sys/kernel/hostname", map { $_ => "/proc/sysvipc/$_" } "shm", "sem", "msg");
sub view {
  my $pid = shift;
  my (@theirs, @ours);
  for my $kind ("uts", "ipc") {
    open(my $own, "<", "/proc/self/ns/$kind");
    open(my $their, "<", "/proc/$pid/ns/$kind") or return refuse("view $pid", "open");
    push @ours, $own;
    push @theirs, $their;
  }
  my $entered = 1;
  $entered &&= syscall($SETNS, fileno($_), 0) >= 0 for @theirs;
  my $why = $!;
  my @found;
  for my $name ($entered ? sort keys %VIEW : ()) {
    open(my $file, "<", $VIEW{$name}) or next;
    local $/;
    push @found, "$name=" . unpack("H*", <$file>);
  }
  syscall($SETNS, fileno($_), 0) >= 0 or die "setns: $!\n" for @ours;
  say_of("view $pid", $entered ? @found : "!setns: $why");
}

# Where a process has pages of its own, as the kernel tells it without a look at what is only reserved: PAGEMAP_SCAN of
# Documentation/admin-guide/mm/pagemap.rst, since Linux 6.7. Present or swapped, and neither of a file nor shared. Guard
# pages (category 256) hold nothing; before 6.15 there are none, and it is an error to ask about them.
sub pages {
  my ($pid, $at, $end) = ($_[0], 0, hex $_[1]);
  open(my $map, "<", "/proc/$pid/pagemap") or return refuse("pages $pid", "open");
  my ($room, $without, @runs) = (1024, 4 | 256);
  while ($at < $end) {
    my $found = "\0" x (24 * $room);
    my $ask = pack("QQQQQPQQQQQQ", 96, 0, $at, $end, 0, $found, $room, 0, $without, $without, 8 | 16, 4);
    my $count = syscall($IOCTL, fileno($map), 0xC0606610, $ask);
    if ($count < 0 && $without & 256) { $without = 4; next }
    return refuse("pages $pid", "PAGEMAP_SCAN") if $count < 0;
    push @runs, map { sprintf("%x-%x", unpack("QQ", substr($found, 24 * $_, 16))) } 0 .. $count - 1;
    $at = unpack("x32Q", $ask);
  }
  say_of("pages $pid", "runs=" . join(",", @runs));
}

# Where the file behind an area holds data: lseek(2), SEEK_DATA and SEEK_HOLE.
sub data {
  my ($pid, $area, $at, $end) = ($_[0], $_[1], hex $_[2], hex $_[3]);
  open(my $file, "<", "/proc/$pid/map_files/$area") or return refuse("data $pid $area", "open");
  my @runs;
  while ($at < $end) {
    my $from = sysseek($file, $at, 3);
    # ENXIO (6): nothing but a hole is left.
    if (!defined $from) { last if $! == 6; return refuse("data $pid $area", "lseek") }
    last if $from >= $end;
    $at = sysseek($file, $from, 4) // return refuse("data $pid $area", "lseek");
    push @runs, sprintf("%x-%x", $from, $at < $end ? $at : $end);
  }
  say_of("data $pid $area", "runs=" . join(",", @runs));
}

my %do = (strict => sub { $strict = shift }, thread => \&thread, pipe => \&pipe_, socket => \&socket_,
  memfd => \&memfd, terminal => \&terminal, shared => \&shared, view => \&view,
  pages => \&pages, data => \&data);
print STDERR "ready\n";
while (my $line = <STDIN>) {
  # The services stand still meanwhile: they mustn't wait for a probe that got stuck.
  alarm(60) if $. == 1;
  my ($verb, @words) = split ' ', $line;
  $do{$verb}->(@words) if $do{$verb};
}
`
