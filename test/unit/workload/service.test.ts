import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { InetSocket } from '../../../src/proc/inet-sockets.ts'
import { inspectServices } from '../../../src/workload/service.ts'
import { connectionsOf, memoryOf } from '../../../src/workload/task-tree.ts'
import { standIns, systemctlShowing } from '../programs.ts'
import { service, task } from './builders.ts'

const ends = { localAddress: '10.0.0.2', localPort: 80, remoteAddress: '10.0.0.1', remotePort: 4000 }
const socket = (protocol: 'tcp' | 'udp', state: number): InetSocket => ({
  protocol,
  family: 4,
  ...ends,
  state,
  inode: 1,
})

test('established TCP connections count; listeners and UDP, whose open sockets show the same state, do not', () => {
  const inetSockets = [
    socket('tcp', 1),
    socket('tcp', 1),
    socket('tcp', 10),
    socket('tcp', 8),
    socket('udp', 1),
  ]
  expect(connectionsOf(service({ inetSockets }))).toBe(2)
})

test('memory is that of all processes, and none for those that have ended', () => {
  const one = memoryOf(service({ processes: [task({ pid: process.pid })] }))
  expect(one).toBeGreaterThan(1 << 20)
  const processes = [process.pid, process.pid, 1 << 30].map((pid) => task({ pid }))
  expect(memoryOf(service({ processes }))).toBeGreaterThan(1.5 * one)
})

describe('several services', () => {
  const programs = standIns({ systemctl: systemctlShowing('LoadState=loaded', 'MainPID=0', 'ControlGroup=') })
  beforeEach(() => programs.forget())
  afterAll(() => programs.remove())

  /** systemctl and PID 1 take longer to talk to each other than to answer. */
  test('are asked for by one call, however many they are', async () => {
    const units = Array.from({ length: 100 }, (_, index) => `app@${index}.service`)
    const services = await inspectServices(units)
    expect(services.map(({ unit }) => unit)).toEqual(units)
    expect(services.map(({ properties }) => properties.Id)).toEqual(units)
    expect(programs.started()).toHaveLength(1)
  })

  test('are none where none are asked for, and nobody is asked', async () => {
    expect(await inspectServices([])).toEqual([])
    expect(programs.started()).toEqual([])
  })
})
