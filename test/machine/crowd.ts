import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { inShell } from './support.ts'

/**
 * A little of everything that a swap can lose: a counter in each of two threads, of which one is bound to a processor; a
 * pair of sockets with bytes on their way, whose other end a stopped child has; and a file on a tmpfs that is open.
 * What it knows it writes into that file every two seconds.
 */
const program = `#!/usr/bin/python3 -SEI
import os, signal, socket, sys, threading, time

number = int(sys.argv[1])
mine, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    mine.close()
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        theirs.send(theirs.recv(100).upper())
theirs.close()
os.waitpid(child, os.WUNTRACED)
mine.send(b"on its way")
counts = [0, 0]
heard = [""]

def count():
    os.sched_setaffinity(0, {number % os.cpu_count()})
    while True:
        counts[1] += 1
        time.sleep(2)

def hear():
    while True:
        heard[0] += mine.recv(100).decode()

for work in count, hear:
    threading.Thread(target=work, daemon=True).start()
state = open(os.environ["RUNTIME_DIRECTORY"] + "/state", "w")
while True:
    counts[0] += 1
    state.seek(0)
    state.write("%d %d %d %s\\n" % (os.getpid(), *counts, heard[0] or "-"))
    state.flush()
    time.sleep(2)
`

const unit = `[Unit]
Description=One of a crowd, number %i

[Service]
ExecStart=/usr/local/bin/crowd %i
RuntimeDirectory=crowd-%i
`

/** Names of the crowd's units. */
export function crowdOf(size: number): string[] {
  return Array.from({ length: size }, (_, index) => `crowd@${index + 1}.service`)
}

/** Installs and starts so many services, and waits until each has written its state. */
export async function gatherCrowd(machine: Machine, size: number): Promise<void> {
  const shell = await machine.ssh()
  for (const [name, text, path, mode] of [
    ['crowd', program, '/usr/local/bin/crowd', 0o755],
    ['crowd@.service', unit, '/etc/systemd/system/crowd@.service', 0o644],
  ] as const) {
    await writeFile(join(machine.directory, name), text)
    await shell.putFile(join(machine.directory, name), path, mode)
  }
  const units = crowdOf(size).join(' ')
  await inShell(machine, 'systemctl daemon-reload')
  // A few at a time: each takes its time to start under emulation, and all of them at once more than the machine has.
  await inShell(machine, `echo ${units} | xargs --max-args=10 systemctl start`)
  await inShell(
    machine,
    `until [ "$(cat /run/crowd-*/state 2>/dev/null | wc -l)" = ${size} ]; do sleep 1; done`,
  )
}

/** What one of the crowd knows of itself, and what the kernel says of its tasks. */
export interface Member {
  readonly pid: number
  readonly counts: readonly [number, number]
  readonly heard: string
  /** State of the child (proc_pid_stat(5)). */
  readonly child: string
  /** Processors that the second thread may run on. */
  readonly processors: string
}

/** Looks at each of the crowd. */
export async function lookAtCrowd(machine: Machine, size: number): Promise<Member[]> {
  const look = `for number in $(seq ${size}); do
    read -r pid one two heard < /run/crowd-$number/state
    set -- /proc/$pid/task/*
    child=$(cat /proc/$pid/task/$pid/children)
    echo "$pid|$one|$two|$heard|$(cut -d ' ' -f 3 /proc/\${child% }/stat)|$(sed -n 's/^Cpus_allowed_list:\\t//p' $2/status)"
  done`
  return (await inShell(machine, look)).split('\n').map((line) => {
    const [pid, one, two, heard = '', child = '', processors = ''] = line.split('|')
    return { pid: Number(pid), counts: [Number(one), Number(two)], heard, child, processors }
  })
}

/** Lets the stopped children go on: each answers what waited for it. */
export async function wakeChildren(machine: Machine, size: number): Promise<void> {
  await inShell(
    machine,
    `for state in /run/crowd-*/state; do read -r pid _ < $state; kill -CONT $(cat /proc/$pid/task/$pid/children); done
     until [ "$(cat /run/crowd-*/state | grep -c 'ON ITS WAY')" = ${size} ]; do sleep 1; done`,
  )
}
