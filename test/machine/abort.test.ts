import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import { aimedAt, expectUnharmed, inShell, withMachine } from './support.ts'

interface Sabotage {
  readonly name: string
  /** What is run in the machine beforehand, and what undoes it. */
  readonly setUp?: string
  readonly tearDown?: string
  /** The step at whose beginning something is run in the machine, and what. */
  readonly at?: string
  readonly strike?: string
  readonly reason: RegExp
}

const isFull = process.env.KERNELSWAP_FAULTS === 'all'

/** CRIU fails by itself: at once, or while it writes pages (criu/include/fault-injection.h). */
const criuFaults = [1, 3].map(
  (fault): Sabotage => ({ ...criuFault(fault), reason: /The checkpoint of \S+ failed/ }),
)

function criuFault(fault: number): Pick<Sabotage, 'name' | 'setUp' | 'tearDown'> {
  return {
    name: `CRIU_FAULT=${fault}`,
    setUp: `systemctl set-environment CRIU_FAULT=${fault}`,
    tearDown: 'systemctl unset-environment CRIU_FAULT',
  }
}

const lostDirectory: Sabotage = {
  name: 'a lost image directory',
  at: 'close-gate',
  strike: 'rm -r /var/lib/kernelswap/swaps/*/workloads/redis-server.service/images',
  reason: /redis-server.service/,
}

/** With this one a dump that fails anyway ends CRIU by SIGABRT, once the tasks are let go; it does no harm by itself. */
const crash: Sabotage = { ...lostDirectory, ...criuFault(136) }

/** A connection that came too late for the plan to refuse it. */
const lateConnection: Sabotage = {
  name: 'a connection over a bridge that was made after the plan',
  setUp: 'ip link add br9 type bridge && ip address add 10.99.9.1/24 dev br9 && ip link set br9 up',
  tearDown: 'systemctl stop late; ip link delete br9',
  at: 'capture',
  strike: [
    'systemd-run --unit=late bash -c "exec 3<>/dev/tcp/10.99.9.1/80; sleep 600"',
    'until ss --no-header --tcp src 10.99.9.1:80 | grep -q ESTAB; do sleep 0.05; done',
  ].join(' && '),
  reason:
    /nginx\.service needs what the landing does not put back: the address 10\.99\.9\.1 of br9 \(bridge\); /,
}

const sabotages: readonly Sabotage[] = [
  {
    name: 'a killed dump',
    at: 'close-gate',
    strike: 'for i in $(seq 1000); do pkill -KILL --full "[f]d/4 dump" && break; sleep 0.02; done',
    reason: /The checkpoint of \S+ failed/,
  },
  {
    name: 'a full disk',
    setUp: 'mount -t tmpfs -o size=160M,mode=700 none /var/lib/kernelswap',
    tearDown: 'umount /var/lib/kernelswap',
    at: 'capture',
    strike: 'dd if=/dev/zero of=/var/lib/kernelswap/filler bs=64k 2>/dev/null || true',
    reason: /No space left|does not fit|CRIU cannot dump/,
  },
  ...(isFull ? [lateConnection, lostDirectory, ...criuFaults, crash] : []),
]

/** Whatever fails before the jump thaws every workload, opens the gate and leaves its clients a pause and no error. */
test('a swap that fails before the jump leaves no trace but a pause', () =>
  withMachine('abort', async (machine) => {
    const clients = await startClients(machine.address, machineUnits)
    for (const sabotage of sabotages) await abortOnce(machine, sabotage)
    await expectUnharmed(clients)
  }))

async function abortOnce(machine: Machine, sabotage: Sabotage): Promise<void> {
  const { name, setUp, tearDown, at, strike, reason } = sabotage
  const before = await processes(machine)
  if (setUp) await inShell(machine, setUp)
  let struck: Promise<string> | undefined
  const outcome = await runRemoteSwap(machine, [...machineUnits], (event) => {
    if (strike && event.kind === 'step' && event.step === at) struck = inShell(machine, strike)
  })
  await struck
  expect(outcome, name).toMatchObject({
    kind: 'report',
    report: { verdict: 'aborted', reason: expect.stringMatching(reason) },
  })
  expect(await processes(machine), name).toBe(before)
  expect(
    await inShell(machine, 'nft list tables; ls -A /etc/kernelswap; cat /sys/kernel/kexec_loaded'),
    name,
  ).toBe('config.d\n0')
  expect(await inShell(machine, 'find /var/lib/kernelswap -name "*.img"'), name).toBe('')
  expect(await inShell(machine, aimedAt), name).toBe('')
  if (tearDown) await inShell(machine, tearDown)
}

/** Main PIDs and whether any task is stopped. */
async function processes(machine: Machine): Promise<string> {
  const pids = `systemctl show --property=MainPID --value ${machineUnits.join(' ')}`
  const stopped = 'grep -l "^State:.T" /proc/[0-9]*/status || true'
  return inShell(machine, `${pids}; ${stopped}`)
}
