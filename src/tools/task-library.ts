import { socketOptions } from './socket-options.ts'

/**
 * What the probe and the landing's `mend` have in common, in perl: what can be reached of another process from outside, and
 * system calls that it is made to do itself. It uses nothing but perl-base. The package has it as tasks.pl.
 */
export const taskLibrary = String.raw`use strict;
use warnings;
# Addresses have 64 bits here.
no warnings "portable";
use Config;

# Numbers of arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
our $is_x86 = $Config{archname} =~ /^x86_64/;
our %NR = (pidfd_open => 434, pidfd_getfd => 438, $is_x86
  ? (get_robust_list => 274, ioprio_get => 252, ioprio_set => 251, sched_getattr => 315, sched_getaffinity => 204,
    sched_setaffinity => 203, kcmp => 312, ioctl => 16, fcntl => 72, getsockopt => 55, setsockopt => 54, recvfrom => 45,
    tee => 276, ptrace => 101, setns => 308, wait4 => 61)
  : (get_robust_list => 100, ioprio_get => 31, ioprio_set => 30, sched_getattr => 275, sched_getaffinity => 123,
    sched_setaffinity => 122, kcmp => 272, ioctl => 29, fcntl => 25, getsockopt => 209, setsockopt => 208, recvfrom => 207,
    tee => 77, ptrace => 117, setns => 268, wait4 => 260));

# A copy of another process's descriptor, or -1; who asks for it releases it.
my ($process, $process_fd) = (0, -1);
sub copy_fd {
  my ($pid, $fd) = @_;
  if ($pid != $process) {
    release($process_fd) if $process_fd >= 0;
    ($process, $process_fd) = ($pid, syscall($NR{pidfd_open}, $pid + 0, 0));
  }
  return $process_fd < 0 ? -1 : syscall($NR{pidfd_getfd}, $process_fd + 0, $fd + 0, 0);
}
sub release { my $fd = shift; if (open(my $handle, "<&=", $fd)) { close($handle) } }

# Socket options: name, level, number, length, which sockets have it, where it is the kernel's.
our @OPTIONS = (
${socketOptions.map(({ name, level, number, length, of, isKernels }) => `  ["${name}", ${level}, ${number}, ${length}, "${of}", "${isKernels}"],`).join('\n')}
);

# The bytes of an option, or undef.
sub option_bytes {
  my ($fd, $level, $number, $length) = @_;
  my ($value, $size) = ("\0" x $length, pack("l", $length));
  return undef if syscall($NR{getsockopt}, $fd, $level + 0, $number + 0, $value, $size) < 0;
  my $got = unpack("l", $size);
  return substr($value, 0, $got > $length ? $length : $got);
}
sub set_option_bytes {
  my ($fd, $level, $number, $value) = @_;
  return syscall($NR{setsockopt}, $fd, $level + 0, $number + 0, $value, length $value) >= 0;
}

# SO_DOMAIN, SO_TYPE, SO_PROTOCOL, and which options such a socket has.
sub socket_kind { my $fd = shift; return map { unpack("l", option_bytes($fd, 1, $_, 4) // pack("l", -1)) } 39, 3, 38 }
my %options_of;
sub options_of {
  my ($domain, $type, $protocol) = @_;
  return $options_of{"$domain $type $protocol"} //= do {
    my %is = ("" => 1, tcp => $protocol == 6 && $domain != 1, udp => $protocol == 17 && $domain != 1,
      ip => $domain == 2 || $domain == 10, ip6 => $domain == 10, netlink => $domain == 16);
    [grep { $is{$_->[4]} } @OPTIONS];
  };
}

# The multicast groups that a socket is in, INTERFACE/ADDRESS/MODE/SOURCE/…, where mode 0 excludes sources and 1 includes
# them. Nothing lists them: each group that anybody is in is asked after (ip(7), MCAST_MSFILTER: 48).
sub groups_of {
  my ($fd, $pid, $domain, $protocol) = @_;
  return () if ($domain != 2 && $domain != 10) || $protocol == 6;
  my @found;
  for my $group (known_groups($pid)) {
    my ($interface, $index, $address) = @$group;
    my $level = length $address == 4 ? 0 : 41;
    next if $level == 41 && $domain != 10;
    # struct group_filter with room for 64 sources (include/uapi/linux/in.h).
    my $filter = pack("Lx4a128LL", $index, socket_name($address), 0, 64) . "\0" x (128 * 64);
    my $size = pack("l", length $filter);
    next if syscall($NR{getsockopt}, $fd, $level, 48, $filter, $size) < 0;
    my ($mode, $count) = unpack("x136LL", $filter);
    $count = 64 if $count > 64;
    my @sources = map { substr($filter, 144 + 128 * $_ + ($level ? 8 : 4), $level ? 16 : 4) } 0 .. $count - 1;
    push @found, join("/", $interface, unpack("H*", $address), $mode, sort map { unpack("H*", $_) } @sources);
  }
  return sort @found;
}

# struct sockaddr_in or sockaddr_in6 of a multicast address.
sub socket_name { my $address = shift; return length $address == 4 ? pack("Sx2a4", 2, $address) : pack("Sx6a16", 10, $address) }

# Groups that anybody in a process's network namespace is in: interface, its number, address.
my ($asked, @known) = (0);
sub known_groups {
  my $pid = shift;
  return @known if $asked == $pid;
  ($asked, @known) = ($pid);
  my ($index, $interface);
  for (lines_of("/proc/$pid/net/igmp")) {
    if (/^(\d+)\s+(\S+)\s*:/) { ($index, $interface) = ($1, $2) }
    elsif (/^\s+([0-9A-F]{8})\s/) { push @known, [$interface, $index, pack("L", hex $1)] }
  }
  push @known, map { /^(\d+)\s+(\S+)\s+([0-9a-f]{32})\s/ ? [$2, $1, pack("H*", $3)] : () } lines_of("/proc/$pid/net/igmp6");
  return @known;
}
sub lines_of { open(my $file, "<", shift) or return (); return <$file> }

# A thread held by ptrace(2), or undef. PTRACE_SEIZE leaves a stopped one stopped; what is asked needs a ptrace-stop, hence
# PTRACE_INTERRUPT. Seccomp filters would refuse calls, or end the task for them: PTRACE_O_SUSPEND_SECCOMP.
sub hold {
  my ($tid, $pid) = @_;
  my $held = { tid => $tid, pid => $pid };
  $held->{suspended} = syscall($NR{ptrace}, 0x4206, $tid + 0, 0, 0x200000) >= 0;
  return undef unless $held->{suspended} || syscall($NR{ptrace}, 0x4206, $tid + 0, 0, 0) >= 0;
  syscall($NR{ptrace}, 0x4207, $tid + 0, 0, 0);
  return $held if defined await_stop($tid);
  $! = 110;
  return undef;
}

# Its status once it has stopped. __WALL and WNOHANG: a thread that can't stop, such as one in uninterruptible sleep, mustn't
# hold this up.
sub await_stop {
  my $tid = shift;
  for my $try (1 .. 400) {
    my $status = pack("l", 0);
    my $stopped = syscall($NR{wait4}, $tid + 0, $status, 0x40000001, 0);
    return unpack("l", $status) if $stopped == $tid;
    return undef if $stopped < 0;
    select(undef, undef, undef, $try < 20 ? 0.00005 : 0.002);
  }
  return undef;
}

# Lets it go on as it was.
sub let_go {
  my $held = shift;
  put_back($held) if $held->{registers};
  syscall($NR{ptrace}, 17, $held->{tid} + 0, 0, 0);
}

# A system call by a held thread itself: its result as the kernel gives it, errors negative, and the bytes that were handed to
# it as they are afterwards. It finds these bytes at the address that stands for undef among the arguments. undef where it
# can't be done; the reason is in $held->{refusal}.
sub call_in {
  my ($held, $number, $bytes, @arguments) = @_;
  $held->{registers} || prepare($held) or return undef;
  my @registers = @{$held->{registers}};
  sysseek($held->{memory}, $held->{at}, 0);
  syswrite($held->{memory}, $bytes) == length $bytes or return refused($held, "its stack: $!") if length $bytes;
  # Of struct user_regs_struct (sys/user.h): rax, orig_rax, rip, and rdi, rsi, rdx, r10, r8, r9. No call is restarted with -1.
  @registers[10, 15, 16] = ($number, ~0, $held->{instruction});
  @registers[14, 13, 12, 7, 9, 8] = map { defined $_ ? $_ : $held->{at} } (@arguments, (0) x 6)[0 .. 5];
  set_registers($held, @registers) or return refused($held, "PTRACE_SETREGSET: $!");
  # In a stop of its whole process the first step tells of that stop once more, and does nothing.
  my $status = 0;
  for (1 .. 8) {
    syscall($NR{ptrace}, 9, $held->{tid} + 0, 0, 0) >= 0 or return refused($held, "PTRACE_SINGLESTEP: $!");
    $status = await_stop($held->{tid}) // return refused($held, "it doesn't stop for ptrace(2)");
    last if $status == 0x57f;
  }
  $status == 0x57f or return refused($held, sprintf("it stopped with %x", $status));
  my $result = unpack("q", pack("Q", (registers_of($held))[10]));
  my $after = "";
  if (length $bytes) { sysseek($held->{memory}, $held->{at}, 0); sysread($held->{memory}, $after, length $bytes) }
  return ($result, $after);
}

sub refused { my ($held, $why) = @_; $held->{refusal} = $why; return undef }

# Notes what calls change: registers, 128 bytes of the stack beyond those that are the program's without being pushed (System V
# ABI for x86-64, 3.2.2), blocked signals, for a signal that is pending mustn't be taken meanwhile, and where in a restartable
# sequence the thread is (rseq(2)), which the kernel forgets as soon as it runs elsewhere.
sub prepare {
  my $held = shift;
  my $tid = $held->{tid};
  return refused($held, "its seccomp filters can't be suspended") unless $held->{suspended} || !is_filtered($tid);
  return refused($held, "system calls in tasks are known for x86-64 alone") unless $is_x86;
  my @registers = registers_of($held);
  return refused($held, "it is no 64-bit program") if ($registers[17] // 0) != 0x33;
  open(my $memory, "+<:raw", "/proc/$tid/mem") or return refused($held, "its memory: $!");
  my ($mask, $all, $at) = ("\0" x 8, "\xff" x 8, ($registers[19] - 256) & ~15);
  @$held{"memory", "at"} = ($memory, $at);
  $held->{instruction} = find_instruction($held) // return refused($held, "no system call instruction in it");
  sysseek($memory, $at, 0);
  (sysread($memory, $held->{stack}, 128) // 0) == 128 or return refused($held, "its stack: $!");
  syscall($NR{ptrace}, 0x420a, $tid + 0, 8, $mask) >= 0 or return refused($held, "PTRACE_GETSIGMASK: $!");
  my $sequences = pack("QLLLL", 0, 0, 0, 0, 0);
  if (syscall($NR{ptrace}, 0x420f, $tid + 0, 24, $sequences) >= 0 && unpack("Q", $sequences)) {
    $held->{sequence_at} = unpack("Q", $sequences) + 8;
    sysseek($memory, $held->{sequence_at}, 0);
    sysread($memory, $held->{sequence}, 8);
  }
  syscall($NR{ptrace}, 0x420b, $tid + 0, 8, $all) >= 0 or return refused($held, "PTRACE_SETSIGMASK: $!");
  @$held{"mask", "registers"} = ($mask, \@registers);
  return 1;
}

sub is_filtered {
  my $tid = shift;
  open(my $status, "<", "/proc/$tid/status") or return 1;
  return !grep { /^Seccomp:\s+0$/ } <$status>;
}

sub put_back {
  my $held = shift;
  for my $part (["at", "stack"], ["sequence_at", "sequence"]) {
    next unless $held->{$part->[0]};
    sysseek($held->{memory}, $held->{$part->[0]}, 0);
    syswrite($held->{memory}, $held->{$part->[1]});
  }
  set_registers($held, @{$held->{registers}});
  syscall($NR{ptrace}, 0x420b, $held->{tid} + 0, 8, $held->{mask});
}

# NT_PRSTATUS, as 64-bit words.
sub registers_of {
  my $held = shift;
  my $bytes = "\0" x 512;
  my $vector = pack("PQ", $bytes, 512);
  return if syscall($NR{ptrace}, 0x4204, $held->{tid} + 0, 1, $vector) < 0;
  return unpack("Q*", substr($bytes, 0, unpack("x8Q", $vector)));
}
sub set_registers {
  my ($held, @words) = @_;
  my $bytes = pack("Q*", @words);
  return syscall($NR{ptrace}, 0x4205, $held->{tid} + 0, 1, pack("PQ", $bytes, length $bytes)) >= 0;
}

# The address of a syscall instruction, the same for all threads; the kernel's own page is sure to have one.
my ($searched, $instruction) = (0);
sub find_instruction {
  my $held = shift;
  ($searched, $instruction) = ($held->{pid}, search_instruction($held)) if $searched != $held->{pid};
  return $instruction;
}
sub search_instruction {
  my $held = shift;
  open(my $maps, "<", "/proc/$held->{pid}/maps") or return undef;
  my @areas = grep { / r-xp / } <$maps>;
  for my $area ((grep { /\[vdso\]/ } @areas), @areas) {
    my ($start, $end) = map { hex } $area =~ /^(\w+)-(\w+)/;
    sysseek($held->{memory}, $start, 0);
    my $code = "";
    sysread($held->{memory}, $code, $end - $start > 1 << 20 ? 1 << 20 : $end - $start);
    my $found = index($code, "\x0f\x05");
    return $start + $found if $found >= 0;
  }
  return undef;
}

1;
`
