import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import { expectRunning, expectUnharmed, inShell, mainPids, withMachine } from './support.ts'

const rounds = Number(process.env.KERNELSWAP_SOAK ?? 20)

/** Swap after swap under load: whatever leaks a little in each of them would bring a host down in the end. */
test.runIf(process.env.KERNELSWAP_FAULTS === 'all')(
  'many swaps in a row lose nothing and leak nothing',
  { timeout: rounds * 600_000 },
  () =>
    withMachine('soak', async (machine) => {
      const { kernels } = machine.image
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      const used: Usage[] = []
      for (let round = 1; round <= rounds; round += 1) {
        const kernel = round % 2 === 1 ? kernels['newest-stable'] : kernels['older-stable']
        const outcome = await runRemoteSwap(machine, ['--kernel', kernel, ...machineUnits], () => {})
        if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan)}`)
        const { verdict, reason } = outcome.report
        const usage = await usageOf(machine)
        used.push(usage)
        process.stderr.write(`swap ${round} of ${rounds}: ${verdict}; ${JSON.stringify(usage)}\n`)
        expect(verdict, reason ?? '').toBe('swapped')
      }
      expect(await mainPids(machine)).toBe(before)
      await expectUnharmed(clients)
      await expectRunning(machine)
      // The first swap puts things in place (a log, a cache) that later ones find.
      const [first, last] = [used[0]!, used.at(-1)!]
      expect(last.host).toEqual(first.host)
      for (const [index, unit] of machineUnits.entries()) {
        expect(last.memory[index], unit).toBeLessThan(first.memory[index]! * 1.1)
        // A database opens files as it needs them; something left behind by every swap shows all the same.
        expect(last.handles[index]! - first.handles[index]!, unit).toBeLessThan(rounds / 2)
      }
      // Reports and logs of each swap stay.
      expect(last.disk - first.disk).toBeLessThan(rounds * 4096)
    }),
)

interface Usage {
  /** Kilobytes of each service, shared pages by their share. */
  readonly memory: readonly number[]
  /** Kilobytes of swaps on disk. */
  readonly disk: number
  /** Processes, descriptors and mounts of each service, counted together. */
  readonly handles: readonly number[]
  /** The host's mounts, tables of nftables, drop-ins, files and processes of kernelswap. */
  readonly host: readonly number[]
}

async function usageOf(machine: Machine): Promise<Usage> {
  const groups = machineUnits.map(
    (unit) => `$(cat /sys/fs/cgroup/$(systemctl show --property=ControlGroup --value ${unit})/cgroup.procs)`,
  )
  const memory = groups.map(
    (pids) =>
      `for p in ${pids}; do cat /proc/$p/smaps_rollup; done | awk '/^Pss:/ {sum += $2} END {print sum}'`,
  )
  const handles = groups.map(
    (pids) => `for p in ${pids}; do ls /proc/$p/fd; cat /proc/$p/mountinfo; echo $p; done | wc -l`,
  )
  const host = [
    'wc -l < /proc/self/mountinfo',
    'nft list tables | wc -l',
    'find /run/systemd /etc/systemd -name "*kernelswap*.conf" | wc -l',
    'ls -A /etc/kernelswap /run/kernelswap | wc -l',
    'pgrep --count --full "criu|kernelswap" || true',
  ]
  return {
    memory: await numbers(machine, memory),
    disk: Number(await inShell(machine, 'du -sk /var/lib/kernelswap | cut -f 1')),
    handles: await numbers(machine, handles),
    host: await numbers(machine, host),
  }
}

async function numbers(machine: Machine, lines: readonly string[]): Promise<number[]> {
  return (await inShell(machine, lines.join('; '))).split('\n').map(Number)
}
