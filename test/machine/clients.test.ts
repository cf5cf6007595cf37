import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import { inMachine, withPlainMachine } from './support.ts'

const UNITS = ['redis-server.service', 'memcached.service', 'nginx.service', 'postgresql@17-main.service']

// A swap is judged by what these clients say: they must notice a connection that was replaced.
test('the clients tell a service that was restarted from one that was not', async () => {
  await withPlainMachine('clients', async (machine) => {
    const clients = await startClients(machine.address, UNITS)
    await sleep(2000)
    await inMachine(machine, 'systemctl', 'restart', 'redis-server', 'nginx')
    await sleep(2000)
    const survived = (await clients.stop()).map((report) => [report.service, report.connectionSurvived])
    expect(Object.fromEntries(survived)).toEqual({
      'redis-server.service': false,
      'memcached.service': true,
      'nginx.service': false,
      'postgresql@17-main.service': true,
    })
  })
})
