import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import type { VictimFacts } from './victim.ts'

/** A change of state that the named facet must catch. */
export interface Tampering {
  readonly facet: string
  readonly what: string
  /** A Python statement for the victim, or what is done to it from outside while it is stopped. */
  readonly how: string | ((victim: VictimFacts) => void)
  /** Facets that rightly differ as well. */
  readonly also?: readonly string[]
  /** A statement that prepares the state before the first snapshot. */
  readonly first?: string
  /** What is done instead to a victim that was restored, or why this can't be tried there. */
  readonly restored?: Pick<Tampering, 'how' | 'first' | 'also'> | string
}

const NOT_CARRIED = 'CRIU can’t carry it'
/** What is left on a timer goes down: once it differs, every comparison says something new. */
const ONCE = 'once it differs, its line changes with time alone'

const SOCKET = 'socket.SOL_SOCKET'

/** In order: later ones build on what earlier ones did, and the last ones end parts of the victim. */
export const tamperings: readonly Tampering[] = [
  // What the process is
  { facet: 'process-group', what: 'child moved to another group', how: 'os.setpgid(child, child)' },
  // A process outside any autogroup, such as one that a boot script started, gets into one with its session.
  {
    facet: 'session',
    what: 'new session',
    how: 'os.setsid()',
    also: ['process-group', 'autogroup'],
  },
  {
    facet: 'controlling-terminal',
    what: 'terminal taken',
    how: 'fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)',
    restored: NOT_CARRIED,
  },
  { facet: 'comm', what: 'renamed', how: 'pathlib.Path("/proc/self/comm").write_text("other")' },
  { facet: 'cmdline', what: 'argument overwritten', how: 'poke(stat_field(48), b"X")' },
  { facet: 'environ', what: 'variable overwritten', how: 'poke(stat_field(50), b"X")' },
  {
    facet: 'auxv',
    what: 'page size changed',
    how: 'set_mm(auxv=pathlib.Path("/proc/self/auxv").read_bytes().replace(struct.pack("QQ", 6, 4096), struct.pack("QQ", 6, 8192)))',
  },
  { facet: 'memory-layout', what: 'end of data moved', how: 'set_mm(end_data=stat_field(46) - 8)' },
  { facet: 'exe', what: 'executable renamed', how: 'os.rename("waiter", "waiter2")', also: ['memory-map'] },
  { facet: 'umask', what: 'another umask', how: 'os.umask(0o77)' },
  { facet: 'loginuid', what: 'login user set', how: 'pathlib.Path("/proc/self/loginuid").write_text("7")' },
  { facet: 'personality', what: 'no randomisation', how: 'libc.personality(0x0040000)' },
  { facet: 'threads', what: 'thread ended', how: 'leave.set(); thread.join()' },

  // Scheduling and limits
  { facet: 'rlimits', what: 'fewer files', how: 'resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))' },
  {
    facet: 'rlimits',
    what: 'prlimit from outside',
    how: ({ pid }) => void execFileSync('prlimit', [`--pid=${pid}`, '--core=0:0']),
  },
  { facet: 'nice', what: 'reniced', how: 'os.setpriority(os.PRIO_PROCESS, 0, 5)' },
  {
    facet: 'autogroup',
    what: 'autogroup reniced',
    how: 'pathlib.Path("/proc/self/autogroup").write_text("7")',
  },
  {
    facet: 'sched-policy',
    what: 'batch',
    how: 'os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))',
  },
  {
    facet: 'rt-priority',
    what: 'real-time',
    how: 'os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(3))',
    also: ['sched-policy', 'nice', 'sched-attributes', 'timer-slack'],
  },
  {
    facet: 'sched-attributes',
    what: 'reset on fork',
    how: 'os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))',
    also: ['sched-policy', 'nice', 'rt-priority', 'timer-slack'],
  },
  { facet: 'io-priority', what: 'lowest I/O priority', how: 'libc.syscall(251, 1, 0, 2 << 13 | 7)' },
  {
    facet: 'cpu-affinity',
    what: 'taskset from outside',
    how: ({ pid }) => void execFileSync('taskset', ['--pid', '--cpu-list', '0', String(pid)]),
  },
  {
    facet: 'oom-score-adj',
    what: 'raised',
    how: 'pathlib.Path("/proc/self/oom_score_adj").write_text("500")',
  },
  {
    facet: 'coredump-filter',
    what: 'another filter',
    how: 'pathlib.Path("/proc/self/coredump_filter").write_text("0x3")',
  },
  { facet: 'timer-slack', what: 'another slack', how: 'libc.prctl(29, 70000, 0, 0, 0)' },
  { facet: 'child-subreaper', what: 'adopts orphans', how: 'call("prctl", 36, 1, 0, 0, 0)' },
  { facet: 'parent-death-signal', what: 'signal chosen', how: 'call("prctl", 1, 12, 0, 0, 0)' },
  { facet: 'secure-bits', what: 'capabilities kept', how: 'call("prctl", 8, 1, 0, 0, 0)' },
  {
    facet: 'alternate-stack',
    what: 'stack set',
    how: 'call("sigaltstack", struct.pack("QixxxxQ", address + 4096, 0, 12288), None)',
  },
  { facet: 'thp', what: 'huge pages disabled', how: 'libc.prctl(41, 1, 0, 0, 0)' },
  { facet: 'robust-list', what: 'list moved', how: 'libc.syscall(273, ctypes.c_void_p(address + 64), 24)' },

  // Signals
  { facet: 'signals-ignored', what: 'signal ignored', how: 'signal.signal(signal.SIGTTOU, signal.SIG_IGN)' },
  { facet: 'signals-caught', what: 'handler set', how: 'signal.signal(signal.SIGTERM, lambda *_: None)' },
  {
    facet: 'signals-blocked',
    what: 'signal blocked',
    how: 'signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])',
  },
  {
    facet: 'signals-pending',
    what: 'signal to the thread lost',
    first: 'signal.pthread_kill(threading.get_ident(), signal.SIGRTMIN)',
    how: 'signal.sigwait([signal.SIGRTMIN])',
    also: ['signal-queues'],
  },
  {
    facet: 'signals-pending-process',
    what: 'signal to the process lost',
    first: 'os.kill(os.getpid(), signal.SIGRTMIN)',
    how: 'signal.sigwait([signal.SIGRTMIN])',
    also: ['signal-queues'],
  },
  {
    facet: 'signal-queues',
    what: 'one of two equal signals lost',
    first: 'os.kill(os.getpid(), signal.SIGRTMIN); os.kill(os.getpid(), signal.SIGRTMIN)',
    how: 'signal.sigwait([signal.SIGRTMIN])',
  },

  // Descriptors
  {
    facet: 'fd-numbers',
    what: 'descriptor closed',
    first: 'spare = os.open("file", 0)',
    how: 'os.close(spare)',
  },
  {
    facet: 'fd-targets',
    what: 'another file',
    first: 'spare = os.open("file", 0)',
    how: 'other = os.open("flocked", 0); os.dup2(other, spare, False); os.close(other)',
  },
  { facet: 'fd-flags', what: 'append mode', how: 'fcntl.fcntl(spare, fcntl.F_SETFL, os.O_APPEND)' },
  { facet: 'fd-flags', what: 'close-on-exec', how: 'fcntl.fcntl(spare, fcntl.F_SETFD, 0)' },
  { facet: 'fd-offsets', what: 'offset moved', how: 'os.lseek(copy, 3, 0)' },
  {
    facet: 'fd-sharing',
    what: 'reads from another pipe',
    first: 'spare = os.dup(reader)',
    how: 'os.dup2(empty, spare, False)',
    also: ['open-file-sharing'],
  },
  {
    facet: 'open-file-sharing',
    what: 'file opened anew instead of shared',
    how: 'other = os.open("file", os.O_RDWR | os.O_CREAT); os.lseek(other, 3, 0); os.dup2(other, copy, False); os.close(other)',
    // Nothing has moved its offset from the end of the file.
    restored: {
      how: 'other = os.open("file", os.O_RDWR | os.O_CREAT); os.lseek(other, 10, 0); os.dup2(other, copy, False); os.close(other)',
    },
  },
  { facet: 'epoll', what: 'entry removed', how: 'epoll.unregister(left.fileno())' },
  { facet: 'epoll', what: 'events changed', how: 'epoll.modify(listener.fileno(), select.EPOLLOUT)' },
  { facet: 'eventfd', what: 'counter raised', how: 'os.write(event, struct.pack("Q", 2))' },
  {
    facet: 'signalfd',
    what: 'another mask',
    how: 'call("signalfd", signals, signal_set(signal.SIGUSR1), 0)',
  },
  { facet: 'timerfd', what: 're-armed for later', how: 'arm(50000)' },
  { facet: 'timerfd', what: 're-armed for earlier', how: 'arm(100)', restored: ONCE },
  { facet: 'timerfd', what: 'interval added', how: 'arm(100, 7)', restored: ONCE },
  { facet: 'timerfd', what: 'disarmed', how: 'arm(0)', restored: ONCE },
  { facet: 'inotify', what: 'watch removed', how: 'call("inotify_rm_watch", watcher, watch)' },
  {
    facet: 'fanotify',
    what: 'mark changed',
    how: 'call("fanotify_mark", marker, 1, ctypes.c_uint64(8), -100, folder.encode())',
    restored: NOT_CARRIED,
  },
  {
    facet: 'pidfd',
    what: 'refers to another process',
    how: 'os.dup2(os.pidfd_open(child), itself)',
    also: ['open-file-sharing', 'fd-flags', 'fd-numbers'],
  },
  { facet: 'file-locks', what: 'POSIX lock lost', how: 'fcntl.lockf(locked, fcntl.LOCK_UN, 10, 5)' },
  { facet: 'file-locks', what: 'flock lost', how: 'fcntl.flock(flocked, fcntl.LOCK_UN)' },
  { facet: 'memfd-seals', what: 'sealed', how: 'fcntl.fcntl(memory, 1033, 2)' },
  {
    facet: 'terminal',
    what: 'window resized',
    how: 'fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))',
    restored: NOT_CARRIED,
  },
  { facet: 'pipe-capacity', what: 'pipe enlarged', how: 'fcntl.fcntl(full, 1031, 131072)' },
  {
    facet: 'waiting-contents',
    what: 'other bytes in the pipe',
    how: 'os.read(reader, 5); os.write(writer, b"54321")',
  },
  {
    facet: 'pipe-bytes',
    what: 'byte lost from the pipe',
    how: 'os.read(reader, 1)',
    also: ['waiting-contents'],
  },

  // Sockets
  { facet: 'listen-backlogs', what: 'another backlog', how: 'listener.listen(9)' },
  {
    facet: 'accept-queues',
    what: 'waiting connection lost',
    how: 'late = listener.accept()[0]',
    also: ['fd-numbers'],
    restored: NOT_CARRIED,
  },
  { facet: 'tcp-socket-options', what: 'no delay', how: 'client.setsockopt(6, 1, 1)' },
  {
    facet: 'tcp-congestion',
    what: 'another algorithm',
    how: 'client.setsockopt(6, 13, b"reno" if client.getsockopt(6, 13, 16)[:4] != b"reno" else b"cubic")',
  },
  { facet: 'socket-options', what: 'keepalive', how: `client.setsockopt(${SOCKET}, socket.SO_KEEPALIVE, 1)` },
  {
    facet: 'socket-options',
    what: 'receive buffer',
    how: `client.setsockopt(${SOCKET}, socket.SO_RCVBUF, 70000)`,
  },
  { facet: 'socket-signals', what: 'owner set', how: 'fcntl.fcntl(client, 8, os.getpid())' },
  {
    facet: 'ip-options',
    what: 'type of service',
    how: 'client.setsockopt(0, 1, 8)',
    also: ['socket-options'],
  },
  { facet: 'ipv6-options', what: 'hop limit', how: 'udp6.setsockopt(41, 16, 9)' },
  {
    facet: 'multicast-groups',
    what: 'group left',
    how: 'udp.setsockopt(0, 36, socket.inet_aton("239.1.2.3") + socket.inet_aton("127.0.0.1"))',
  },
  { facet: 'udp-options', what: 'segment size', how: 'udp.setsockopt(17, 103, 500)' },
  { facet: 'netlink-options', what: 'packet information', how: 'netlink.setsockopt(270, 3, 1)' },
  {
    facet: 'netlink-sockets',
    what: 'group joined',
    // A group that the kernel tells nothing (RTNLGRP_NOP2): other tests make network interfaces.
    how: 'netlink.setsockopt(270, 1, 14)',
    also: ['netlink-options', 'socket-options'],
  },
  { facet: 'tcp-queues', what: 'bytes lost', how: 'client.recv(3)', also: ['waiting-contents'] },
  {
    facet: 'tcp-options',
    what: 'smaller segments',
    how: 'small = socket.socket(); small.setsockopt(6, 2, 600); small.connect(listener.getsockname()); os.dup2(small.fileno(), waiting.fileno(), False); small.close()',
    also: ['tcp-addresses', 'accept-queues', 'tcp-socket-options', 'fd-sharing', 'open-file-sharing'],
  },
  {
    facet: 'tcp-addresses',
    what: 'connected from another port',
    how: 'again = socket.create_connection(listener.getsockname()); os.dup2(again.fileno(), waiting.fileno(), False); again.close()',
    also: ['accept-queues', 'tcp-options', 'tcp-socket-options'],
  },
  { facet: 'tcp-states', what: 'half closed', how: 'client.shutdown(socket.SHUT_WR)', also: ['tcp-queues'] },
  {
    facet: 'socket-kinds',
    what: 'connection cut',
    first:
      'pair = socket.create_connection(listener.getsockname()); [listener.accept() for _ in range(2)]; end = listener.accept()[0]',
    how: `end.setsockopt(${SOCKET}, socket.SO_LINGER, struct.pack("ii", 1, 0)); end.close()`,
    also: ['fd-numbers'],
    restored: {
      how: 'other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); other.bind(("127.0.0.1", 0)); os.dup2(other.fileno(), waiting.fileno(), False); other.close()',
      also: [
        'socket-options',
        'ip-options',
        'fd-sharing',
        'open-file-sharing',
        'fd-flags',
        'tcp-states',
        'tcp-queues',
      ],
    },
  },
  { facet: 'udp-addresses', what: 'connected', how: 'udp.connect(("127.0.0.1", 9))' },
  {
    facet: 'udp-queues',
    what: 'datagram lost',
    first:
      'inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); inbox.bind(("127.0.0.1", 0)); inbox.sendto(b"x", inbox.getsockname())',
    how: 'inbox.recv(1)',
    also: ['waiting-contents'],
    restored: NOT_CARRIED,
  },
  {
    facet: 'unix-queues',
    what: 'datagram lost',
    first:
      'letters = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); letters.bind("\\0letters%d" % os.getpid()); letters.sendto(b"letter", letters.getsockname())',
    how: 'letters.recv(9)',
    also: ['waiting-contents'],
    restored: NOT_CARRIED,
  },
  { facet: 'unix-queues', what: 'byte lost', how: 'right.recv(1)', also: ['waiting-contents'] },
  {
    facet: 'unix-peers',
    what: 'connected to another socket',
    how: 'near, far = socket.socketpair(); os.dup2(near.fileno(), left.fileno(), False); near.close()',
    also: ['fd-sharing', 'open-file-sharing', 'fd-numbers'],
  },
  {
    facet: 'other-sockets',
    what: 'packet socket bound',
    how: 'packet.bind(("lo", 0x0800))',
    also: ['socket-kinds', 'socket-options'],
    restored: NOT_CARRIED,
  },

  // Timers and memory
  {
    facet: 'posix-timers-left',
    what: 'armed for later',
    how: 'set_posix_timer(9000)',
  },
  { facet: 'posix-timers-left', what: 'interval added', how: 'set_posix_timer(9000, 7)', restored: ONCE },
  { facet: 'interval-timers', what: 'armed', how: 'signal.setitimer(signal.ITIMER_REAL, 9000)' },
  {
    facet: 'interval-timers',
    what: 'interval of another one',
    how: 'signal.setitimer(signal.ITIMER_VIRTUAL, 0, 0)',
  },
  {
    facet: 'posix-timers',
    what: 'timer deleted',
    how: 'call("timer_delete", ctypes.c_void_p(posix_timer.value))',
  },
  {
    facet: 'memory-map',
    what: 'area mapped',
    how: 'area = mmap.mmap(-1, 1 << 26, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)',
  },
  {
    facet: 'memory-map',
    what: 'area made read-only',
    how: 'call("mprotect", ctypes.c_void_p(address), 4096, 1)',
  },
  {
    facet: 'memory-locked',
    what: 'page locked',
    how: 'call("mlock", ctypes.c_void_p(address + 4096), 4096)',
    also: ['memory-advice'],
  },
  {
    facet: 'memory-advice',
    what: 'not inherited',
    how: 'call("madvise", ctypes.c_void_p(address + 8192), 4096, 10)',
  },
  {
    facet: 'memory-policy',
    what: 'interleaved',
    how: 'libc.syscall(237, ctypes.c_void_p(address + 8192), 4096, 3, ctypes.byref(ctypes.c_ulong(1)), 64, 0) == 0 or 1 / 0',
  },
  { facet: 'memory-bytes', what: 'one byte flipped', how: flipByte },
  { facet: 'shared-memory-bytes', what: 'one byte written', how: 'shared[5000:5001] = b"x"' },
  { facet: 'registers', what: 'register of a child changed', how: 'poke_register(child, 0, 42)' },
  {
    facet: 'rseq',
    what: 'unregistered',
    how: 'libc.syscall(334, ctypes.c_void_p(thread_pointer() + rseq_offset), 32, 1, 0x53053053) == 0 or 1 / 0',
  },

  // Namespaces
  { facet: 'namespaces', what: 'own UTS namespace', how: 'call("unshare", 0x04000000)' },
  { facet: 'hostname', what: 'another host name', how: 'socket.sethostname("other")' },
  {
    facet: 'sysv-ipc',
    what: 'segment removed',
    first: 'call("unshare", 0x08000000); segment = call("shmget", 77, 4096, 0o1600)',
    how: 'call("shmctl", segment, 0, None)',
    restored: {
      first: 'segment = call("shmget", 77, 4096, 0o1600)',
      how: 'call("shmctl", segment, 0, None)',
    },
  },
  {
    facet: 'mounts',
    what: 'mount missing',
    first:
      'other_mount_namespace(); os.mkdir("mounted"); call("mount", b"none", b"mounted", b"tmpfs", 0, None)',
    how: 'call("umount2", b"mounted", 2)',
    also: ['tmpfs-files'],
    restored: { how: 'call("umount2", b"/opt/victim/room", 2)' },
  },
  {
    facet: 'tmpfs-files',
    what: 'file changed',
    first:
      'call("mount", b"none", b"mounted", b"tmpfs", 0, None); pathlib.Path("mounted/file").write_text("a")',
    how: 'pathlib.Path("mounted/file").write_text("b")',
    restored: { how: 'os.mkdir("/opt/victim/other/new")' },
  },

  // Privileges: each takes something that the ones before still needed
  { facet: 'no-new-privs', what: 'set', how: 'call("prctl", 38, 1, 0, 0, 0)' },
  {
    facet: 'seccomp-mode',
    what: 'first filter',
    how: 'seccomp_filter()',
    also: ['seccomp-filters', 'seccomp-code'],
  },
  { facet: 'seccomp-filters', what: 'filter added', how: 'seccomp_filter()', also: ['seccomp-code'] },
  {
    facet: 'seccomp-code',
    what: 'filter of other instructions',
    how: 'seccomp_filter(0x7FFC0000)',
    also: ['seccomp-filters'],
  },
  { facet: 'groups', what: 'group added', how: 'os.setgroups([7])' },
  // The kernel forgets the signal with the credentials (PR_SET_PDEATHSIG(2const)).
  {
    facet: 'gids',
    what: 'file system group',
    how: 'libc.setfsgid(7)',
    also: ['parent-death-signal'],
  },
  {
    facet: 'uids',
    what: 'file system user',
    how: 'libc.setfsuid(7)',
    also: ['capabilities-effective'],
  },
  { facet: 'capabilities-inheritable', what: 'one gained', how: 'set_capabilities(Inh=1 << 13)' },
  { facet: 'capabilities-ambient', what: 'one raised', how: 'call("prctl", 47, 2, 13, 0, 0)' },
  { facet: 'capabilities-bounding', what: 'one dropped', how: 'call("prctl", 24, 5, 0, 0, 0)' },
  {
    facet: 'capabilities-effective',
    what: 'one dropped',
    how: 'set_capabilities(Eff=int(status("CapEff"), 16) & ~(1 << 22))',
  },
  {
    facet: 'capabilities-permitted',
    what: 'one dropped',
    how: 'set_capabilities(Prm=int(status("CapPrm"), 16) & ~(1 << 22))',
  },
  { facet: 'cwd', what: 'another directory', how: 'os.chdir("/")' },
  {
    facet: 'root',
    what: 'another root',
    how: 'os.chroot(folder); os.chdir("/")',
    also: ['cwd', 'mounts', 'tmpfs-files'],
  },
  {
    facet: 'dumpable',
    what: 'no longer dumpable',
    first: 'os.setresuid(65534, 65534, 65534); call("prctl", 4, 1, 0, 0, 0)',
    how: 'call("prctl", 4, 0, 0, 0, 0)',
    restored: 'a process that gave up root can’t be prepared before it',
  },

  // The end
  {
    facet: 'state',
    what: 'child ended, not yet waited for',
    how: ({ waiter }) => void process.kill(waiter, 'SIGKILL'),
  },
  {
    facet: 'parent',
    what: 'orphaned',
    how: ({ child }) => void process.kill(child, 'SIGKILL'),
    also: ['state', 'fd-sharing', 'open-file-sharing', 'unix-peers'],
  },
  { facet: 'pid', what: 'child gone', how: 'os.waitpid(child, 0)', also: ['pidfd'] },
]

function flipByte({ pid, address }: VictimFacts): void {
  const memory = openSync(`/proc/${pid}/mem`, 'r+')
  const byte = Buffer.alloc(1)
  readSync(memory, byte, 0, 1, address + 2n)
  byte[0]! ^= 1
  writeSync(memory, byte, 0, 1, Number(address + 2n))
  closeSync(memory)
}
