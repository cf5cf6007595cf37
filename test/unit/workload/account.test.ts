import { describe, expect, test } from 'vitest'
import { accountFor, type Circumstances, lineOf } from '../../../src/workload/account.ts'
import type { HostProcess } from '../../../src/workload/host-process.ts'
import { groupsOf } from '../../../src/workload/process-group.ts'

const here = 'pid:[4026531836]'

/** One process in a control group: of a terminal, where it is said so. */
function task(controlGroup: string, more: Partial<HostProcess> = {}): HostProcess {
  const program = more.program ?? '/usr/bin/program'
  return {
    ...{ pid: 700, parent: 1, startTime: 1, isKernelThread: false, controlGroup, hasTerminal: false },
    ...{ pidNamespace: here, isSetUser: false, words: [program] },
    ...more,
    program,
    name: program.split('/').at(-1)!,
  }
}

function circumstances(more: Partial<Circumstances> = {}): Circumstances {
  return {
    ...{ decided: new Map(), othersMay: () => 'restart', units: new Map(), logins: [] },
    ...{ shells: new Set(['/usr/bin/bash']), startedOnDemand: () => false, own: new Set([4242]) },
    pidNamespace: here,
    ...more,
  }
}

const judge = (processes: readonly HostProcess[], more: Partial<Circumstances> = {}) => {
  const [account] = groupsOf(processes).map((group) => accountFor(group, circumstances(more)))
  return { class: account!.class, lost: account!.lost.map(({ name }) => name) }
}

const units = (name: string, properties: Record<string, string>) => ({ units: new Map([[name, properties]]) })

describe('a service', () => {
  const app = task('/system.slice/app.service')

  test.each([
    ['preserve', 'carried'],
    ['restart', 'restarted'],
    ['ignore', 'unknown'],
  ] as const)('that is to be treated with %s is %s, without a loss', (policy, kind) => {
    const decided = new Map([['app.service', policy]])
    expect(judge([app], { decided })).toEqual({ class: kind, lost: [] })
  })

  test('that nobody named is stopped and started', () => {
    expect(judge([app])).toEqual({ class: 'restarted', lost: [] })
  })

  test('that nobody named and a setting leaves alone is left alone', () => {
    expect(judge([app], { othersMay: () => 'ignore' })).toEqual({ class: 'unknown', lost: [] })
  })

  test('that could not be carried, and that nobody lets be restarted, would lose what it has', () => {
    expect(judge([app], { othersMay: () => undefined })).toEqual({ class: 'unknown', lost: ['program'] })
  })

  /** An upgrade that is cut off leaves a host without half of its packages. */
  test('that is at work is not cut off without a word', () => {
    const properties = { Type: 'oneshot', ActiveState: 'activating' }
    expect(judge([app], units('app.service', properties))).toEqual({ class: 'unknown', lost: ['program'] })
  })

  test('that systemd-run made can not be started again', () => {
    const properties = { FragmentPath: '/run/systemd/transient/app.service' }
    expect(judge([app], units('app.service', properties)).class).toBe('unknown')
  })

  test('that runs us is kernelswap', () => {
    const own = task('/system.slice/run-u1.service', { pid: process.pid })
    expect(judge([own])).toEqual({ class: 'platform', lost: [] })
  })
})

describe('of the platform', () => {
  test.each(['/init.scope', '/system.slice/systemd-journald.service', '/system.slice/docker.service'])(
    '%s',
    (place) => {
      expect(judge([task(place)])).toEqual({ class: 'platform', lost: [] })
    },
  )

  test('kernel threads are', () => {
    expect(judge([task('/', { isKernelThread: true })])).toEqual({ class: 'platform', lost: [] })
  })

  /** pam_systemd may be missing: nobody makes a scope then. */
  test('a login that stays with the service that let it in is a session nevertheless', () => {
    const place = '/system.slice/ssh.service'
    const sshd = task(place, { pid: 500, program: '/usr/sbin/sshd' })
    const editor = task(place, { program: '/usr/bin/vim', hasTerminal: true })
    const main = units('ssh.service', { MainPID: '500' })
    expect(judge([sshd, editor], main)).toEqual({ class: 'session', lost: ['vim'] })
    expect(judge([sshd, task(place, { program: '/usr/bin/bash', hasTerminal: true })], main)).toEqual({
      class: 'platform',
      lost: [],
    })
  })

  test('a container is none, whatever its service is called', () => {
    const place = '/machine.slice/systemd-nspawn@web.service/payload'
    expect(judge([task(place)]).class).toBe('container')
  })
})

describe('a login', () => {
  const place = '/user.slice/user-1000.slice/session-3.scope'
  const logins = [{ user: 'ann', scope: 'session-3.scope', leader: 500 }]
  const session = (...more: HostProcess[]) =>
    judge(
      [
        task(place, { pid: 500, program: '/usr/lib/openssh/sshd-session' }),
        task(place, { pid: 501, parent: 500, program: '/usr/lib/openssh/sshd-session' }),
        ...more,
      ],
      { logins },
    )
  const onTerminal = (program: string, more: Partial<HostProcess> = {}) =>
    task(place, { program, hasTerminal: true, ...more })
  const shell = onTerminal('/usr/bin/bash', { words: ['-bash'] })

  test.each([
    ['nothing', []],
    ['a shell that waits', [shell]],
    ['a shell of root', [shell, onTerminal('/usr/bin/sudo', { isSetUser: true }), shell]],
    ['kernelswap and what led to it', [shell, onTerminal('/usr/bin/node', { pid: 4242 })]],
    ['what has ended and waits for its parent', [onTerminal('')]],
  ])('with %s loses nothing', (_, processes) => {
    expect(session(...processes)).toEqual({ class: 'session', lost: [] })
  })

  test.each([
    ['an editor', [shell, onTerminal('/usr/bin/vim')], ['vim']],
    ['an editor that has a shell', [shell, onTerminal('/usr/bin/vim'), shell], ['vim']],
    ['a script', [onTerminal('/usr/bin/bash', { words: ['bash', 'build.sh'] })], ['bash']],
    ['a command', [onTerminal('/usr/bin/bash', { words: ['bash', '-c', 'make'] })], ['bash']],
    ['a remote command', [task(place, { program: '/usr/bin/bash', words: ['bash', '-s'] })], ['bash']],
    ['what was left behind', [task(place, { program: '/usr/bin/make' })], ['make']],
  ])('with %s would lose it', (_, processes, lost) => {
    expect(session(...processes)).toEqual({ class: 'session', lost })
  })
})

describe("what a user's manager has", () => {
  const place = '/user.slice/user-1000.slice/user@1000.service'

  test('begins with it, where it is the manager itself or is started on demand', () => {
    expect(judge([task(`${place}/init.scope`)])).toEqual({ class: 'platform', lost: [] })
    const startedOnDemand = (unit: string) => unit === 'dbus.service'
    expect(judge([task(`${place}/app.slice/dbus.service`)], { startedOnDemand }).class).toBe('platform')
  })

  test('ends with a loss otherwise', () => {
    expect(judge([task(`${place}/app.slice/sync.service`)])).toEqual({ class: 'session', lost: ['program'] })
  })
})

describe('a container', () => {
  const inside = { pidNamespace: 'pid:[4026532500]' }

  test.each([
    '/system.slice/docker-5e.scope',
    '/kubepods.slice/cri-containerd-5e.scope',
    '/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-5e.scope/container',
    '/lxc.payload.web',
  ])('is known by its PID namespace: %s', (place) => {
    expect(judge([task(place, inside)])).toEqual({ class: 'container', lost: ['program'] })
  })

  test('or by its slice, as guests are', () => {
    expect(judge([task('/machine.slice/machine-qemu\\x2d1.scope/libvirt/emulator')]).class).toBe('container')
  })

  test('a browser that isolates some of its processes is none', () => {
    const place = '/user.slice/user-1000.slice/user@1000.service/app.slice/app-1.scope'
    expect(judge([task(place), task(place, { pid: 701, ...inside })]).class).toBe('session')
  })
})

test('of what nobody knows nothing is taken for granted', () => {
  expect(judge([task('/system.slice/build.scope')])).toEqual({ class: 'unknown', lost: ['program'] })
  expect(judge([task('/')])).toEqual({ class: 'unknown', lost: ['program'] })
})

test('our line is what led to us and what we started, and nobody beside', () => {
  const family = [
    ...[
      [10, 1],
      [20, 10],
      [30, 20],
      [40, 30],
      [21, 10],
      [50, 1],
    ].map(([pid, parent]) => task('/', { pid: pid!, parent: parent! })),
  ]
  expect([...lineOf(30, family)].sort()).toEqual([10, 20, 30, 40])
})
