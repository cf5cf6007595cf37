import { taskLibrary } from './task-library.ts'

/** The perl program that `probe` runs: questions on standard input, answers on standard output. */
export const probeScript = String.raw`${taskLibrary}
no warnings;
our (%NR, @OPTIONS);
my $strict = 0;

sub say_of { my ($subject, @pairs) = @_; print join("\t", $subject, @pairs), "\n" }
sub refuse { my ($subject, $call) = @_; say_of($subject, "!$call: $!") }

sub ioctl_int {
  my ($fd, $request) = @_;
  my $value = pack("l", 0);
  return syscall($NR{ioctl}, $fd + 0, $request + 0, $value) < 0 ? undef : unpack("l", $value);
}

sub thread {
  my ($tid, $pid) = @_;
  my ($head, $length) = (pack("Q", 0), pack("Q", 0));
  if (syscall($NR{get_robust_list}, $tid + 0, $head, $length) < 0) { refuse("robust $tid", "get_robust_list") }
  else { say_of("robust $tid", sprintf("head=%x", unpack("Q", $head)), "length=" . unpack("Q", $length)) }
  my $priority = syscall($NR{ioprio_get}, 1, $tid + 0);
  if ($priority < 0) { refuse("ioprio $tid", "ioprio_get") } else { say_of("ioprio $tid", "value=$priority") }
  my $attr = pack("LLQlLQQQLL", 56, (0) x 9);
  if (syscall($NR{sched_getattr}, $tid + 0, $attr, 56, 0) < 0) { refuse("sched $tid", "sched_getattr") }
  else {
    my @a = unpack("LLQlLQQQLL", $attr);
    say_of("sched $tid", "flags=$a[2]", "runtime=$a[5]", "deadline=$a[6]", "period=$a[7]", "min=$a[8]", "max=$a[9]");
  }
  ptraced($tid, $pid) if $strict;
}

# What only ptrace(2) shows of a thread, and what only the thread itself may ask.
sub ptraced {
  my ($tid, $pid) = @_;
  my $held = hold($tid, $pid) or return refuse("ptrace $tid", "ptrace");
  my @found;
  my $rseq = pack("QLLLL", 0, 0, 0, 0, 0);
  if (syscall($NR{ptrace}, 0x420f, $tid + 0, 24, $rseq) >= 0) {
    my ($address, $size) = unpack("QL", $rseq);
    push @found, sprintf("rseq=%x", $address), "rseqSize=$size";
  }
  my ($queue, $info) = ("", "");
  for my $shared (0, 1) {
    my $args = pack("QLl", 0, $shared, 32);
    my $buffer = "\0" x (128 * 32);
    my $count = syscall($NR{ptrace}, 0x4209, $tid + 0, $args, $buffer);
    next if $count < 0;
    push @found, ($shared ? "processQueue=" : "threadQueue=")
      . join(",", map { unpack("H*", substr($buffer, 128 * $_, 48)) } 0 .. $count - 1);
  }
  my @registers = registers_of($held);
  push @found, "registers=" . unpack("H*", pack("Q*", @registers)) if @registers;
  my $mask = "\0" x 8;
  push @found, sprintf("blocked=%016x", unpack("Q", $mask)) if syscall($NR{ptrace}, 0x420a, $tid + 0, 8, $mask) >= 0;
  push @found, "filters=" . filters($tid), asked($held);
  let_go($held);
  say_of("ptrace $tid", @found);
}

# Its seccomp filters, the last one first, by number: PTRACE_SECCOMP_GET_FILTER tells how many instructions of 8 bytes each
# has. Threads share most of them; each is said once.
my %filters;
sub filters {
  my ($tid, @numbers) = shift;
  while ((my $count = syscall($NR{ptrace}, 0x420c, $tid + 0, scalar @numbers, 0)) > 0) {
    my $code = "\0" x (8 * $count);
    last if syscall($NR{ptrace}, 0x420c, $tid + 0, scalar @numbers, $code) < 0;
    if (!exists $filters{$code}) {
      $filters{$code} = keys %filters;
      say_of("filter $filters{$code}", "code=" . unpack("H*", $code));
    }
    push @numbers, $filters{$code};
  }
  return join(",", @numbers);
}

# What system calls tell a thread of itself: name, number on x86-64, bytes for the answer, how to read them, arguments with
# undef for where they are. Of those with a format of none the result is the answer.
my @OWN = (
  ["alternateStack", 131, 24, "Qlx4Q", 0, undef],
  ["deathSignal", 157, 4, "l", 2, undef],
  ["secureBits", 157, 0, "", 27],
);
my @PROCESS = (
  ["subreaper", 157, 4, "l", 37, undef],
  (map { ["interval$_", 36, 32, "qqqq", $_, undef] } 0 .. 2),
);

sub asked {
  my $held = shift;
  my @questions = @OWN;
  push @questions, @PROCESS, map { ["timer$_", 224, 32, "qqqq", $_, undef] } timers($held) if $held->{tid} == $held->{pid};
  my @found;
  for my $question (@questions) {
    my ($name, $number, $length, $format, @arguments) = @$question;
    my ($result, $bytes) = call_in($held, $number, "\0" x $length, @arguments);
    return (@found, "refusal=$held->{refusal}") unless defined $result;
    next if $result < 0;
    push @found, "$name=" . ($format eq "" ? $result : join(" ", unpack($format, $bytes)));
  }
  return @found;
}

# Its POSIX timers (proc_pid_timers(5)).
sub timers {
  my $held = shift;
  open(my $file, "<", "/proc/$held->{pid}/timers") or return;
  return map { /^ID: (\d+)/ ? $1 : () } <$file>;
}

sub pipe_ {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("pipe $pid $number", "pidfd_getfd") if $fd < 0;
  my $bytes = ioctl_int($fd, 0x541B);
  my $size = syscall($NR{fcntl}, $fd, 1032, 0);
  my $content = "";
  if ($strict && $bytes) {
    my ($reader, $writer);
    pipe($reader, $writer);
    syscall($NR{fcntl}, fileno($writer), 1031, $size + 0) if $size > 0;
    # Fails for the writing end, which is no loss: another descriptor holds the reading end, or nothing does.
    my $copied = syscall($NR{tee}, $fd, fileno($writer), $bytes + 0, 2);
    if ($copied > 0) { sysread($reader, $content, $copied) }
  }
  say_of("pipe $pid $number", "bytes=$bytes", "size=$size", $content eq "" ? () : "content=" . unpack("H*", $content));
  release($fd);
}

sub option {
  my ($fd, $level, $number, $length) = @_;
  my $value = option_bytes($fd, $level, $number, $length) // return undef;
  my $got = length $value;
  return $got == 4 ? unpack("l", $value) : $got == 1 ? unpack("C", $value) : unpack("H*", $value);
}

sub set_option {
  my ($fd, $level, $number, $value) = @_;
  return set_option_bytes($fd, $level, $number, pack("l", $value));
}

sub socket_ {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("socket $pid $number", "pidfd_getfd") if $fd < 0;
  my ($domain, $type, $protocol) = socket_kind($fd);
  my @found;
  for my $o (@{options_of($domain, $type, $protocol)}) {
    my $value = option($fd, $o->[1], $o->[2], $o->[3]);
    push @found, "$o->[0]=$value" if defined $value;
  }
  my $listens = option($fd, 1, 30, 4);
  my $bytes = $listens ? undef : ioctl_int($fd, 0x541B);
  push @found, "bytes=$bytes" if defined $bytes;
  # A set SO_PEEK_OFF would move with a peek.
  my $peek = option($fd, 1, 42, 4);
  # CRIU leaves the connections of a checkpoint in repair mode, where a peek tells from which queue (tcp(7), TCP_REPAIR).
  my $repaired = $protocol == 6 && $domain != 1 && option($fd, 6, 19, 4);
  set_option($fd, 6, 20, 1) if $repaired;
  if ($strict && $bytes && !(defined $peek && $peek >= 0)) {
    my $length = $bytes > 16777216 ? 16777216 : $bytes;
    my $content = "\0" x $length;
    my $got = syscall($NR{recvfrom}, $fd, $content, $length + 0, 0x42, 0, 0);
    push @found, "content=" . unpack("H*", substr($content, 0, $got)) if $got > 0;
  }
  set_option($fd, 6, 20, 0) if $repaired;
  push @found, owner($fd), "groups=" . join(" ", groups_of($fd, $pid, $domain, $protocol));
  say_of("socket $pid $number", @found);
  release($fd);
}

sub owner {
  my $fd = shift;
  return ("owner=" . syscall($NR{fcntl}, $fd, 9, 0), "signal=" . syscall($NR{fcntl}, $fd, 11, 0));
}

sub memfd {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("memfd $pid $number", "pidfd_getfd") if $fd < 0;
  say_of("memfd $pid $number", "seals=" . syscall($NR{fcntl}, $fd, 1034, 0));
  release($fd);
}

sub terminal {
  my ($pid, $number) = @_;
  my $fd = copy_fd($pid, $number);
  return refuse("terminal $pid $number", "pidfd_getfd") if $fd < 0;
  my ($modes, $window) = ("\0" x 36, "\0" x 8);
  my @found;
  push @found, "modes=" . unpack("H*", $modes) if syscall($NR{ioctl}, $fd, 0x5401, $modes) >= 0;
  push @found, "rows=" . join("x", unpack("SS", $window)) if syscall($NR{ioctl}, $fd, 0x5413, $window) >= 0;
  say_of("terminal $pid $number", @found);
  release($fd);
}

# Descriptors of one group that kcmp(2) finds to be one open file description get the name of the first. Its order of
# kernel addresses is a total one, so that sorting, which keeps equals in their order, brings them together.
sub order { my ($x, $y) = @_; syscall($NR{kcmp}, $x->[0] + 0, $y->[0] + 0, 0, $x->[1] + 0, $y->[1] + 0) }
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
  $entered &&= syscall($NR{setns}, fileno($_), 0) >= 0 for @theirs;
  my $why = $!;
  my @found;
  for my $name ($entered ? sort keys %VIEW : ()) {
    open(my $file, "<", $VIEW{$name}) or next;
    local $/;
    push @found, "$name=" . unpack("H*", <$file>);
  }
  syscall($NR{setns}, fileno($_), 0) >= 0 or die "setns: $!\n" for @ours;
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
    my $count = syscall($NR{ioctl}, fileno($map), 0xC0606610, $ask);
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
