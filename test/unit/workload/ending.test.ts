import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { parsePidStat } from '../../../src/proc/pid-stat.ts'
import type { Account } from '../../../src/workload/account.ts'
import {
  type Ending,
  endAll,
  endingsOf,
  startedAlways,
  startedWhereTakenBack,
} from '../../../src/workload/ending.ts'
import type { HostProcess } from '../../../src/workload/host-process.ts'
import { type Programs, standIns } from '../programs.ts'

let programs: Programs
afterEach(() => programs.remove())

/** systemctl that shows what is given of each unit, and says of others that they aren't there. */
function systemctl(units: Readonly<Record<string, string>>): void {
  const shown = Object.entries(units).map(([unit, lines]) => `"${unit}") printf '%s\\n' ${lines} ;;`)
  programs = standIns({
    systemctl: `[ "$1" = show ] || exit 0
while [ "$1" != -- ]; do shift; done; shift
for unit; do
  [ -z "$printed" ] || echo
  printed=1
  case $unit in ${shown.join('\n')} *) echo ActiveState=inactive ;; esac
done`,
  })
}

const stops = () => programs.started().flatMap((line) => / stop .*-- (.*)/.exec(line)?.[1] ?? [])

function account(name: string, more: Partial<Account> = {}): Account {
  return {
    ...{ name, unit: name, controlGroup: `/${name}`, ofUser: undefined, processes: [], lost: [] },
    ...{ class: 'unknown', why: '', isOurs: false },
    ...more,
  }
}

const task = (pid: number, parent: number, controlGroup = '') =>
  ({ pid, parent, controlGroup }) as HostProcess

/** Stopped the other way round, a service would find what it needs to save its data gone already. */
test('what is started later is stopped earlier, through targets too, and triggers first of all', async () => {
  systemctl({
    'app.service': 'ActiveState=active "After=base.target app.socket"',
    'base.target': 'ActiveState=active After=db.service',
    'db.service': 'ActiveState=active After=',
    'app.socket': 'ActiveState=active After=',
    'gone.scope': 'ActiveState=inactive',
    'job.scope': 'ActiveState=active After=',
  })
  const again = (unit: string): Ending => ({ unit, starts: 'always', tasks: [] })
  const endings = [again('app.service'), again('app.socket')]
  const never = ['gone.scope', 'job.scope'].map((unit): Ending => ({ unit, starts: 'never', tasks: [] }))
  await endAll([...endings, ...never], ['db.service'], 60)
  expect(stops()).toEqual(['app.socket', 'app.service', 'db.service', 'job.scope'])
})

test('units that need each other in a circle are stopped at once', async () => {
  systemctl({
    'a.service': 'ActiveState=active After=b.service',
    'b.service': 'ActiveState=active After=a.service',
  })
  await endAll([], ['a.service', 'b.service'], 60)
  expect(stops()).toEqual(['a.service b.service'])
})

describe('a container is ended by who keeps it', () => {
  const scope = account('docker-5e.scope', { class: 'container', processes: [task(90, 80), task(91, 90)] })
  const shim = account('containerd.service', { processes: [task(80, 1, '/system.slice/containerd.service')] })

  test('which is what wants the parent of its processes, and comes after it', async () => {
    systemctl({
      'containerd.service':
        '"WantedBy=docker.service multi-user.target" "Before=docker.service shutdown.target"',
      'docker.service': 'ActiveState=active MainPID=70 TriggeredBy=docker.socket',
      'docker.socket': 'ActiveState=active',
    })
    const endings = await endingsOf([{ ...scope, comesBack: false }], [scope, shim], new Set())
    expect(endings.map(({ unit, starts }) => [unit, starts])).toEqual([
      ['docker.service', 'always'],
      ['docker-5e.scope', 'never'],
      ['docker.socket', 'always'],
    ])
    expect(startedAlways(endings)).toEqual(['docker.service', 'docker.socket'])
  })

  test('or what systemd would stop before it, as libvirt-guests', async () => {
    const guest = account('machine-qemu.scope', { class: 'container', processes: [task(90, 1)] })
    systemctl({
      'machine-qemu.scope': '"Before=virt-guest-shutdown.target shutdown.target"',
      'virt-guest-shutdown.target': 'ActiveState=active "Before=libvirt-guests.service other.service"',
      'libvirt-guests.service': 'ActiveState=active MainPID=0 "ExecStop={ path=/x }"',
      'other.service': 'ActiveState=active MainPID=0',
      'shutdown.target': 'ActiveState=inactive Before=final.service',
    })
    const endings = await endingsOf([{ ...guest, comesBack: false }], [guest], new Set())
    expect(endings.map(({ unit }) => unit)).toEqual(['libvirt-guests.service', 'machine-qemu.scope'])
  })

  test('but never by what is carried', async () => {
    systemctl({ 'containerd.service': 'WantedBy= Before=' })
    const endings = await endingsOf(
      [{ ...scope, comesBack: false }],
      [scope, shim],
      new Set(['containerd.service']),
    )
    expect(endings.map(({ unit }) => unit)).toEqual(['docker-5e.scope'])
  })
})

test("a user's manager is started where the swap is taken back, and by the boot else", async () => {
  systemctl({})
  const own = account('user@1000.service/a.scope', {
    unit: 'user@1000.service',
    ofUser: 'a.scope',
    class: 'session',
  })
  const endings = await endingsOf([{ ...own, comesBack: false }], [own], new Set())
  expect(endings).toEqual([{ unit: 'user@1000.service', starts: 'where-taken-back', tasks: [] }])
  expect(startedAlways(endings)).toEqual([])
  expect(startedWhereTakenBack(endings)).toEqual(['user@1000.service'])
})

/** Stopping the scope would end us as well. */
test('of the session that we run in, what would lose something is told to end, and a PID taken anew is left alone', async () => {
  systemctl({})
  const [busy, other] = [spawn('sleep', ['1000']), spawn('sleep', ['1000'])]
  try {
    const startTime = (pid: number) => parsePidStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).startTime
    const lost = { ...task(busy.pid!, 1), startTime: startTime(busy.pid!) }
    const ours = account('session-1.scope', { class: 'session', isOurs: true, lost: [lost] })
    const endings = await endingsOf([{ ...ours, comesBack: false }], [ours], new Set())
    const stale: Ending = { unit: '', starts: 'never', tasks: [{ pid: other.pid!, startTime: 1 }] }
    const ended = once(busy, 'exit')
    await endAll([...endings, stale], [], 60)
    expect((await ended)[1]).toBe('SIGTERM')
    expect(other.exitCode ?? other.signalCode).toBeNull()
    expect(stops()).toEqual([])
  } finally {
    for (const child of [busy, other]) child.kill('SIGKILL')
  }
})
