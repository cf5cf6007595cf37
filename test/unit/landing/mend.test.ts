import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { areMendings } from '../../../src/workload/mendings.ts'
import { canInOwnNetwork } from '../isolated.ts'
import { endTasks, startTask, stop } from '../workload/stopped-tasks.ts'
import { endAll, network, shell, start, timers, within } from './networks.ts'
import { Sandbox } from './sandbox.ts'

/**
 * Accepts a connection, takes it down and makes it anew as CRIU does (soccr/soccr.c) where no scale was agreed on, says
 * where it is, waits, and tells how much arrives.
 */
const restored = `
use strict;
use warnings;
use Socket;
$| = 1;
my ($repair, $queue, $number, $options, $window) = (19 .. 22, 29);
sub put { setsockopt(shift, 6, shift, shift) or die $! }
socket(my $listener, AF_INET, SOCK_STREAM, 0);
bind($listener, pack_sockaddr_in(7000, INADDR_ANY)) or die $!;
listen($listener, 1);
print "up\\n";
accept(my $old, $listener) or die $!;
my ($here, $there) = (getsockname($old), getpeername($old));
put($old, $repair, pack('i', 1));
my %next = map { put($old, $queue, pack('i', $_)); ($_, getsockopt($old, 6, $number)) } 1, 2;
close($_) for $listener, $old;
socket(my $new, AF_INET, SOCK_STREAM, 0);
put($new, $repair, pack('i', 1));
for (1, 2) { put($new, $queue, pack('i', $_)); put($new, $number, $next{$_}) }
bind($new, $here) or die $!;
connect($new, $there) or die $!;
put($new, $options, pack('LL', 2, 1460));
put($new, $queue, pack('i', 0));
put($new, $window, pack('LLLLL', unpack('L', $next{1}), 64240, 64240, 65535, unpack('L', $next{1})));
put($new, $repair, pack('i', 0));
setsockopt($new, SOL_SOCKET, SO_REUSEADDR, 1);
print "$$ ", fileno($new), "\\n";
<STDIN>;
my $sum = 0;
while (my $length = sysread($new, my $bytes, 65536)) { print $sum += $length, " ", unpack('i', getsockopt($new, SOL_SOCKET, SO_REUSEADDR)), "\\n" }
`

const BYTES = 300_000

/** Connects, and sends all that at once when it is told to. */
const peer = `
const { connect } = require('node:net')
const socket = connect(7000, '10.0.0.1', () => console.log('up'))
process.stdin.once('data', () => socket.write(Buffer.alloc(${BYTES})))
`

afterEach(endAll)

/** A peer without window scaling takes a scaled window for what it says: a connection that survives as good as dead. */
describe.runIf(canInOwnNetwork('ip link add name cable type veth peer name other'))('windows', () => {
  test('of a restored connection are told as they are to a peer that agreed on no scale', async () => {
    const sandbox = new Sandbox()
    const mend = sandbox.path('/usr/lib/kernelswap/mend')
    const put = (here: number, socket: string) => {
      const [pid = '', fd = ''] = socket.trim().split(' ')
      const list = sandbox.ask('mend', { args: ['--list', pid] }).stdout
      expect(list).toContain(`unscaled ${pid} ${fd} yes\n`)
      within(here, mend, [], list)
    }
    expect(await arrived(put)).toBe(`${BYTES} 1`)
    sandbox.remove()
  })

  test('are not, where nobody looks after them', async () => {
    const [bytes] = (await arrived(() => {})).split(' ')
    expect(Number(bytes)).toBeLessThan(BYTES / 2)
  })
})

/**
 * What has arrived over a connection that was made anew, and whether its address may be used again: once all has, or the
 * peer waits for a window that something fits into.
 */
async function arrived(mendIt: (here: number, socket: string) => void): Promise<string> {
  const [here, there] = [await network(), await network()]
  shell(here, `ip link add name cable type veth peer name cable netns ${there}; ip link set cable up`)
  shell(here, 'ip address add 10.0.0.1/24 dev cable')
  shell(there, 'ip address add 10.0.0.9/24 dev cable; ip link set cable up')
  shell(there, 'echo 0 > /proc/sys/net/ipv4/tcp_window_scaling')
  const service = start(here, 'perl', ['-e', restored])
  const said: string[] = []
  createInterface(service.stdout).on('line', (line) => said.push(line))
  await expect.poll(() => said).toEqual(['up'])
  const client = start(there, process.execPath, ['-e', peer])
  await once(client.stdout, 'data')
  await expect.poll(() => said.length).toBe(2)
  mendIt(here, `${said[1]}\n`)
  client.stdin.write('go')
  service.stdin.write('go\n')
  const isStuck = () => timers(there).some((timer) => timer.startsWith('persist'))
  await expect.poll(() => isStuck() || said.at(-1)!.startsWith(`${BYTES} `)).toBe(true)
  return said.at(-1)!
}

describe('threads', () => {
  let sandbox: Sandbox
  let pid: number
  beforeEach(async () => {
    sandbox = new Sandbox()
    sandbox.write('/sys/devices/system/cpu/online', readFileSync('/sys/devices/system/cpu/online', 'utf8'))
    pid = await startTask()
  })
  afterEach(() => {
    endTasks()
    sandbox.remove()
  })

  const pin = (list: string) =>
    execFileSync('taskset', ['--pid', '--cpu-list', list, String(pid)], { stdio: 'pipe' })
  const allowed = () => /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!
  const listed = () => sandbox.ask('mend', { args: ['--list', String(pid)] }).stdout
  const mended = (lines: string) => sandbox.run('mend', { input: lines })

  test.runIf(availableParallelism() > 1).each(['0', '1'])(
    'may run on processor %s alone again, where CRIU lets them run on all',
    async (list) => {
      const everywhere = allowed()
      pin(list)
      await stop(pid)
      const lines = listed()
      expect(areMendings(lines)).toBe(true)
      pin(everywhere)
      expect(mended(lines)).toEqual({ code: 0, stderr: '' })
      expect(allowed()).toBe(list)
    },
  )

  test('that could run anywhere can do so again, whatever the unit starts with', async () => {
    const lines = listed()
    const everywhere = allowed()
    pin('0')
    expect(mended(lines)).toEqual({ code: 0, stderr: '' })
    expect(allowed()).toBe(everywhere)
  })

  test('are left alone where none of their processors is online any more', () => {
    const before = allowed()
    expect(mended(`affinity ${pid} ${pid} 4000-4095\n`)).toEqual({ code: 0, stderr: '' })
    expect(allowed()).toBe(before)
  })

  test('of a unit that is not back are passed over, and what nobody understands is told', () => {
    expect(mended('affinity 4194300 4194300 0\n')).toEqual({ code: 0, stderr: '' })
    expect(mended(`straighten ${pid} 1\n`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('straighten'),
    })
  })
})

test('lines that somebody else wrote are no others than those of a checkpoint', () => {
  const lines = [
    ...['unscaled 331 7 yes', 'affinity 331 332 0-3,6', 'affinity 331 331 all', 'io-priority 331 331 16391'],
    ...['personality 331 331 00040000', 'coredump-filter 331 331 00000033', 'oom-score-adj 331 331 -900'],
    ...['autogroup 331 331 0', 'timer-slack 331 332 50000', 'options 331 7 6/9/1f000000,1/25/6c6f00'],
    'lock-future 331 331 at-once',
    'lock-on-fault 331 331 7f93b9956000-7f93b9957000,7f93b9958000-7f93b9959000',
    ...['datagrams 331 9 3c3133,-', 'datagrams 331 9 3c3133'],
    'unix-name 331 8 707269766174652f70726f78796d617000',
    'unix-path 331 9 2f72756e2f6d61737465722e736f636b',
    'groups 331 8 eth0.5/ef010203/0,lo/ef010204/1/7f000009',
    'locks 331 9 READ/0/EOF,WRITE/5/14',
  ]
  expect(areMendings(`${lines.join('\n')}\n`)).toBe(true)
  expect(areMendings('')).toBe(true)
  for (const line of ['affinity 331 332 0', 'affinity 331 332\n', 'unscaled 1 2\n', 'other 1 2 3\n', '\n'])
    expect(areMendings(line), line).toBe(false)
})

/**
 * A task with a socket that anybody may send to, by a name as it sees it. It tells its descriptor, and then what has come.
 */
const inbox = `
use strict; use warnings; use Socket; $| = 1;
chdir $ARGV[0];
socket(my $inbox, AF_UNIX, SOCK_DGRAM, 0);
bind($inbox, pack_sockaddr_un('inbox')) or die $!;
for my $letter (@ARGV[1 .. $#ARGV]) { send($inbox, $letter, 0, pack_sockaddr_un('inbox')) // die $! }
print fileno $inbox, "\n";
<STDIN>;
while (defined recv($inbox, my $letter, 99, MSG_DONTWAIT)) { print "[$letter]" }
print "\n";
`

/** Others go on sending while a task is held: what came after its checkpoint would be lost with the old kernel. */
describe.runIf(process.getuid?.() === 0)('datagrams of a unix socket', () => {
  test('that came after the checkpoint are delivered after those that it has', async () => {
    const sandbox = new Sandbox()
    const list = await waiting(sandbox, ['one', '', 'three'], (lines) => lines)
    expect(areMendings(list.told)).toBe(true)
    const restored = await waiting(sandbox, ['one'], (_, pid, fd) => {
      const lines = list.told.replace(/^datagrams \d+ \d+/m, `datagrams ${pid} ${fd}`)
      expect(sandbox.run('mend', { input: lines })).toEqual({ code: 0, stderr: '' })
      expect(sandbox.run('mend', { input: lines })).toEqual({ code: 0, stderr: '' })
      return ''
    })
    expect(list.received).toBe('[one][][three]')
    expect(restored.received).toBe('[one][][three]')
    sandbox.remove()
  })
})

/** Has a task with such datagrams waiting, does something about it, and returns what was told of it and what it receives. */
async function waiting(
  sandbox: Sandbox,
  letters: readonly string[],
  act: (lines: string, pid: number, fd: string) => string,
): Promise<{ told: string; received: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'kernelswap-inbox-'))
  const task = spawn('perl', ['-e', inbox, directory, ...letters], { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = createInterface(task.stdout)[Symbol.asyncIterator]()
  try {
    const fd = (await said.next()).value as string
    const lines = sandbox.ask('mend', { args: ['--list', String(task.pid)] }).stdout
    const told = act(
      lines
        .split('\n')
        .filter((line) => line.startsWith('datagrams'))
        .join('\n')
        .concat('\n'),
      task.pid!,
      fd,
    )
    task.stdin.write('\n')
    return { told, received: (await said.next()).value as string }
  } finally {
    task.kill()
    rmSync(directory, { recursive: true })
  }
}
