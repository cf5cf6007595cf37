import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { socketInodes } from '../../../src/proc/descriptors.ts'
import { InetTables } from '../../../src/workload/inet-tables.ts'
import { canInOwnNetwork } from '../isolated.ts'

const listen = `
  const server = require('node:net').createServer()
  server.listen(4711, '127.0.0.1', () => console.log('up'))
  server.on('error', () => server.listen(4711, '0.0.0.0', () => console.log('up')))
`

test('the sockets of a process are those it holds, and no others of its namespace', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const other = spawn(process.execPath, ['-e', listen])
  try {
    await Promise.all([once(server, 'listening'), once(other.stdout, 'data')])
    const { port } = server.address() as { port: number }
    const ports = new InetTables().heldBy([process.pid]).map(({ localPort }) => localPort)
    expect(ports).toContain(port)
    expect(ports).not.toContain(4711)
    expect(new InetTables().heldBy([process.pid, other.pid!]).map(({ localPort }) => localPort)).toContain(
      4711,
    )
  } finally {
    server.close()
    other.kill('SIGKILL')
  }
})

/** Where the first process alone said which namespace counts, the ports of the others were not held. */
test.skipIf(!canInOwnNetwork('true'))('processes may be in several network namespaces', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const script = `ip link set lo up; exec ${process.execPath} -e "$SCRIPT"`
  const inside = spawn('unshare', ['--net', 'sh', '-c', script], { env: { ...process.env, SCRIPT: listen } })
  try {
    await Promise.all([once(server, 'listening'), once(inside.stdout, 'data')])
    const { port } = server.address() as { port: number }
    const ports = new InetTables().heldBy([process.pid, inside.pid!]).map(({ localPort }) => localPort)
    expect(ports).toEqual(expect.arrayContaining([port, 4711]))
  } finally {
    server.close()
    inside.kill('SIGKILL')
  }
})

test('a process that has ended holds none', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  expect(socketInodes(ended.pid!)).toEqual([])
  expect(new InetTables().heldBy([ended.pid!])).toEqual([])
})
