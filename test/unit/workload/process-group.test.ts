import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type HostProcess, hostProcesses } from '../../../src/workload/host-process.ts'
import { groupsOf, kernelThreads, placeOf } from '../../../src/workload/process-group.ts'

test.each([
  ['/system.slice/nginx.service', 'nginx.service', '/system.slice/nginx.service'],
  ['/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service', undefined],
  ['/user.slice/user-0.slice/session-3.scope', 'session-3.scope', undefined],
  [
    '/machine.slice/libpod-7a.scope/container/init.scope',
    'libpod-7a.scope',
    '/machine.slice/libpod-7a.scope',
  ],
  ['/system.slice/app.service/worker', 'app.service', '/system.slice/app.service'],
  ['/lxc.payload.web/system.slice/cron.service', '/lxc.payload.web', '/lxc.payload.web'],
  ['/system.slice/__odd.service', '_odd.service', undefined],
  ['/init.scope', 'init.scope', undefined],
  ['/', '/', '/'],
])('a process in %s belongs to %s', (controlGroup, name, group) => {
  expect(placeOf(controlGroup)).toMatchObject({
    name,
    controlGroup: group ?? controlGroup,
    ofUser: undefined,
  })
})

/** What runs there has its own owner and its own end, but systemd stops all of it or nothing. */
test('units of a user are told one by one, and stopped by the manager that has them', () => {
  const manager = '/user.slice/user-1000.slice/user@1000.service'
  const scope = { name: 'user@1000.service/tmux-1.scope', unit: 'user@1000.service', ofUser: 'tmux-1.scope' }
  expect(placeOf(`${manager}/app.slice/tmux-1.scope/x`)).toEqual({
    ...scope,
    controlGroup: `${manager}/app.slice/tmux-1.scope`,
  })
  expect(placeOf(`${manager}/init.scope`)).toMatchObject({ unit: 'user@1000.service', ofUser: 'init.scope' })
})

/** Whatever this host is, a container or a machine: what isn't accounted for ends unannounced. */
test('every process that /proc shows is in one group, and in no other', () => {
  const before = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const processes = hostProcesses()
  const after = new Set(readdirSync('/proc'))
  const grouped = groupsOf(processes).flatMap((group) => group.processes.map(({ pid }) => String(pid)))
  expect(new Set(grouped).size).toBe(grouped.length)
  expect(before.filter((pid) => after.has(pid) && !grouped.includes(pid))).toEqual([])
  expect(processes.find(({ pid }) => pid === process.pid)).toMatchObject({
    isKernelThread: false,
    parent: process.ppid,
    program: process.execPath,
  })
})

test('kernel threads are one group, wherever they are', () => {
  const thread = (pid: number, controlGroup: string) =>
    ({ pid, controlGroup, isKernelThread: true }) as HostProcess
  const other = { pid: 9, controlGroup: '/', isKernelThread: false } as HostProcess
  const groups = groupsOf([thread(2, '/'), thread(3, '/system.slice/a.service'), other])
  expect(groups.map(({ name, processes }) => [name, processes.length])).toEqual([
    ['/', 1],
    [kernelThreads, 2],
  ])
})
