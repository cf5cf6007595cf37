import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Ended } from '../../src/host/local.ts'
import { openSocket } from '../../src/host/ssh-login.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport } from '../../src/rehearsal/rehearse.ts'
import { reportSchema } from '../../src/report/report.ts'
import { elsewhere } from './elsewhere.ts'
import { expectRunning, inShell, outcomesOf, withMachine } from './support.ts'

/** `npm run test:remote` asks for it. */
const isAsked = process.env.KERNELSWAP_REMOTE === '1'

/** Services that have all they know in memory: whatever the disk has seen since then is no matter to them. */
const units = ['redis-server.service', 'memcached.service']
const preserved = Object.fromEntries(units.map((unit) => [unit, 'preserved']))

/** What an operator has of a host that was lost: another one, and a bundle. Here it is the same host, later. */
test.runIf(isAsked)(
  'the units of a bundle come back: in the place of those that run, not over a PID of somebody else, and at the next boot',
  { timeout: 7_200_000 },
  () =>
    withMachine('bundle', async (machine) => {
      const place = mkdtempSync(join(tmpdir(), 'kernelswap-bundle-'))
      try {
        await inShell(machine, 'kernelswap --version && redis-cli set what then')
        const pids = await pidsOf(machine)
        const file = await evacuate(machine, place)
        const shell = await machine.ssh()
        await shell.putFile(file, '/root/bundle.tar', 0o600)

        await inShell(machine, 'redis-cli set what later')
        const now = await restore(machine, '--json')
        expect(now.code, now.stderr).toBe(0)
        const report = reportSchema.parse(JSON.parse(now.stdout))
        expect(report).toMatchObject({ verdict: 'restored', reason: null })
        expect(outcomesOf(report)).toEqual(preserved)
        for (const { abi } of report.workloads) expect(abi?.facets.differing).toBe(0)
        expect(await inShell(machine, 'redis-cli get what')).toBe('then')
        expect(await pidsOf(machine)).toBe(pids)
        await expectRunning(machine)

        const [redis, memcached] = pids.split('\n')
        await takePid(machine, redis!)
        const refused = await restore(machine)
        expect(refused.code).toBe(3)
        expect(refused.stderr).toContain(`PID ${redis} is taken by sleep of `)
        expect(await pidsOf(machine)).toBe(`0\n${memcached}`)

        const rebooted = await restore(machine, '--reboot')
        expect(rebooted.code, rebooted.stderr).toBe(0)
        const later = await awaitReport(machine)
        expect(later).toMatchObject({ verdict: 'restored', reason: null })
        expect(later.id).not.toBe(report.id)
        expect(await inShell(machine, 'redis-cli get what')).toBe('then')
        expect(await pidsOf(machine)).toBe(pids)
        await expectRunning(machine)
      } finally {
        rmSync(place, { recursive: true })
      }
    }),
)

/**
 * Swaps the machine from here, with a connection to each service, and returns the copy of the checkpoint. The peers of
 * its connections are gone then.
 */
async function evacuate(machine: Machine, place: string): Promise<string> {
  const peers = await Promise.all([6379, 11211].map((port) => openSocket(machine.address, port, 60)))
  const kernel = machine.image.kernels['newest-stable']
  const words = ['run', '--yes', '--json', '--kernel', kernel, '--evacuate', place, ...units]
  const swap = await elsewhere(machine, place)('--host', 'machine', ...words)
  for (const peer of peers) peer.destroy()
  expect(swap.code, swap.stderr).toBe(0)
  return join(place, `machine-${reportSchema.parse(JSON.parse(swap.stdout)).id}.tar`)
}

async function restore(machine: Machine, ...options: string[]): Promise<Ended> {
  const shell = await machine.ssh()
  const words = ['bundle', 'restore', '--yes', ...options, '/root/bundle.tar']
  const onStderrLine = (line: string) => void process.stderr.write(`${line}\n`)
  return shell.run('kernelswap', words, { timeoutSeconds: 900, onStderrLine })
}

function pidsOf(machine: Machine): Promise<string> {
  return inShell(machine, `systemctl show --property=MainPID --value ${units.join(' ')} | grep .`)
}

/** Ends Redis, and has somebody else take its PID; others may be quicker, so it tries until it has it. */
async function takePid(machine: Machine, pid: string): Promise<void> {
  await inShell(
    machine,
    `systemctl stop redis-server
     until [ "\${taken:-}" = ${pid} ]; do
       [ -z "\${taken:-}" ] || kill "$taken"
       echo $((${pid} - 1)) > /proc/sys/kernel/ns_last_pid
       setsid sleep 3600 < /dev/null > /dev/null 2>&1 & taken=$!
     done`,
  )
}
