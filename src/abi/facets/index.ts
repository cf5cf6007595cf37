import type { Facet } from '../types.ts'
import { acceptQueues } from './accept-queues.ts'
import { alternateStack } from './alternate-stack.ts'
import { autogroup } from './autogroup.ts'
import { auxv } from './auxv.ts'
import { capabilitiesAmbient } from './capabilities-ambient.ts'
import { capabilitiesBounding } from './capabilities-bounding.ts'
import { capabilitiesEffective } from './capabilities-effective.ts'
import { capabilitiesInheritable } from './capabilities-inheritable.ts'
import { capabilitiesPermitted } from './capabilities-permitted.ts'
import { cgroup } from './cgroup.ts'
import { childSubreaper } from './child-subreaper.ts'
import { cmdline } from './cmdline.ts'
import { comm } from './comm.ts'
import { controllingTerminal } from './controlling-terminal.ts'
import { coredumpFilter } from './coredump-filter.ts'
import { cpuAffinity } from './cpu-affinity.ts'
import { cwd } from './cwd.ts'
import { dumpable } from './dumpable.ts'
import { environ } from './environ.ts'
import { epoll } from './epoll.ts'
import { eventfd } from './eventfd.ts'
import { exe } from './exe.ts'
import { exitSignal } from './exit-signal.ts'
import { fanotify } from './fanotify.ts'
import { fdFlags } from './fd-flags.ts'
import { fdNumbers } from './fd-numbers.ts'
import { fdOffsets } from './fd-offsets.ts'
import { fdSharing } from './fd-sharing.ts'
import { fdTargets } from './fd-targets.ts'
import { fileLocks } from './file-locks.ts'
import { gids } from './gids.ts'
import { groups } from './groups.ts'
import { hostname } from './hostname.ts'
import { idMaps } from './id-maps.ts'
import { inotify } from './inotify.ts'
import { intervalTimers } from './interval-timers.ts'
import { ioPriority } from './io-priority.ts'
import { ipOptions } from './ip-options.ts'
import { ipv6Options } from './ipv6-options.ts'
import { listenBacklogs } from './listen-backlogs.ts'
import { lockWaiters } from './lock-waiters.ts'
import { loginuid } from './loginuid.ts'
import { lsmLabel } from './lsm-label.ts'
import { memfdSeals } from './memfd-seals.ts'
import { memoryAdvice } from './memory-advice.ts'
import { memoryBytes } from './memory-bytes.ts'
import { memoryLayout } from './memory-layout.ts'
import { memoryLocked } from './memory-locked.ts'
import { memoryMap } from './memory-map.ts'
import { memoryNodes } from './memory-nodes.ts'
import { memoryPolicy } from './memory-policy.ts'
import { mounts } from './mounts.ts'
import { namespaces } from './namespaces.ts'
import { netlinkOptions } from './netlink-options.ts'
import { netlinkSockets } from './netlink-sockets.ts'
import { nice } from './nice.ts'
import { noNewPrivs } from './no-new-privs.ts'
import { oomScoreAdj } from './oom-score-adj.ts'
import { openFileSharing } from './open-file-sharing.ts'
import { otherSockets } from './other-sockets.ts'
import { parent } from './parent.ts'
import { parentDeathSignal } from './parent-death-signal.ts'
import { personality } from './personality.ts'
import { pid } from './pid.ts'
import { pidfd } from './pidfd.ts'
import { pipeBytes } from './pipe-bytes.ts'
import { pipeCapacity } from './pipe-capacity.ts'
import { posixTimers } from './posix-timers.ts'
import { processGroup } from './process-group.ts'
import { registers } from './registers.ts'
import { rlimits } from './rlimits.ts'
import { robustList } from './robust-list.ts'
import { root } from './root.ts'
import { rseq } from './rseq.ts'
import { rtPriority } from './rt-priority.ts'
import { schedAttributes } from './sched-attributes.ts'
import { schedPolicy } from './sched-policy.ts'
import { seccompFilters } from './seccomp-filters.ts'
import { seccompMode } from './seccomp-mode.ts'
import { secureBits } from './secure-bits.ts'
import { session } from './session.ts'
import { sessionid } from './sessionid.ts'
import { sharedMemoryBytes } from './shared-memory-bytes.ts'
import { signalQueues } from './signal-queues.ts'
import { signalfd } from './signalfd.ts'
import { signalsBlocked } from './signals-blocked.ts'
import { signalsCaught } from './signals-caught.ts'
import { signalsIgnored } from './signals-ignored.ts'
import { signalsPending } from './signals-pending.ts'
import { signalsPendingProcess } from './signals-pending-process.ts'
import { socketKinds } from './socket-kinds.ts'
import { socketOptions } from './socket-options.ts'
import { socketSignals } from './socket-signals.ts'
import { speculationIndirectBranch } from './speculation-indirect-branch.ts'
import { speculationStoreBypass } from './speculation-store-bypass.ts'
import { startTime } from './start-time.ts'
import { state } from './state.ts'
import { sysvIpc } from './sysv-ipc.ts'
import { tcpAddresses } from './tcp-addresses.ts'
import { tcpCongestion } from './tcp-congestion.ts'
import { tcpCounters } from './tcp-counters.ts'
import { tcpOptions } from './tcp-options.ts'
import { tcpQueues } from './tcp-queues.ts'
import { tcpSocketOptions } from './tcp-socket-options.ts'
import { tcpStates } from './tcp-states.ts'
import { terminal } from './terminal.ts'
import { thp } from './thp.ts'
import { threads } from './threads.ts'
import { timeOffsets } from './time-offsets.ts'
import { timerSlack } from './timer-slack.ts'
import { timerfd } from './timerfd.ts'
import { tmpfsFilesFacet } from './tmpfs-files.ts'
import { udpAddresses } from './udp-addresses.ts'
import { udpOptions } from './udp-options.ts'
import { udpQueues } from './udp-queues.ts'
import { uids } from './uids.ts'
import { umask } from './umask.ts'
import { unixPeers } from './unix-peers.ts'
import { unixQueues } from './unix-queues.ts'
import { waitingContents } from './waiting-contents.ts'

/** Every facet, in the order of the report. */
export const facets: readonly Facet[] = [
  acceptQueues,
  alternateStack,
  autogroup,
  auxv,
  capabilitiesAmbient,
  capabilitiesBounding,
  capabilitiesEffective,
  capabilitiesInheritable,
  capabilitiesPermitted,
  cgroup,
  childSubreaper,
  cmdline,
  comm,
  controllingTerminal,
  coredumpFilter,
  cpuAffinity,
  cwd,
  dumpable,
  environ,
  epoll,
  eventfd,
  exe,
  exitSignal,
  fanotify,
  fdFlags,
  fdNumbers,
  fdOffsets,
  fdSharing,
  fdTargets,
  fileLocks,
  gids,
  groups,
  hostname,
  idMaps,
  inotify,
  intervalTimers,
  ioPriority,
  ipOptions,
  ipv6Options,
  listenBacklogs,
  lockWaiters,
  loginuid,
  lsmLabel,
  memfdSeals,
  memoryAdvice,
  memoryBytes,
  memoryLayout,
  memoryLocked,
  memoryMap,
  memoryNodes,
  memoryPolicy,
  mounts,
  namespaces,
  netlinkOptions,
  netlinkSockets,
  nice,
  noNewPrivs,
  oomScoreAdj,
  openFileSharing,
  otherSockets,
  parentDeathSignal,
  parent,
  personality,
  pid,
  pidfd,
  pipeBytes,
  pipeCapacity,
  posixTimers,
  processGroup,
  registers,
  rlimits,
  robustList,
  root,
  rseq,
  rtPriority,
  schedAttributes,
  schedPolicy,
  seccompFilters,
  seccompMode,
  secureBits,
  session,
  sessionid,
  sharedMemoryBytes,
  signalQueues,
  signalfd,
  signalsBlocked,
  signalsCaught,
  signalsIgnored,
  signalsPendingProcess,
  signalsPending,
  socketKinds,
  socketOptions,
  socketSignals,
  speculationIndirectBranch,
  speculationStoreBypass,
  startTime,
  state,
  sysvIpc,
  tcpAddresses,
  tcpCongestion,
  tcpCounters,
  tcpOptions,
  tcpQueues,
  tcpSocketOptions,
  tcpStates,
  terminal,
  thp,
  threads,
  timeOffsets,
  timerSlack,
  timerfd,
  tmpfsFilesFacet,
  udpAddresses,
  udpOptions,
  udpQueues,
  uids,
  umask,
  unixPeers,
  unixQueues,
  waitingContents,
]
