import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { expectRunning, expectUnharmed, inShell, mainPids, withMachine } from './support.ts'

/** `npm run test:soak` asks for twenty; `npm test` has its three in swap.test.ts, and a strict one as a rehearsal. */
const rounds = Number(process.env.KERNELSWAP_SWAPS ?? 0)

/**
 * The same processes go back and forth between two kernels under load, compared while they are held. Whatever leaks a
 * little in each swap would bring a host down in the end, and a report that cries wolf is soon ignored.
 */
test.runIf(rounds > 0)(
  'many strict swaps in a row lose nothing, leak nothing, and find nothing that they can’t explain',
  { timeout: rounds * 1_500_000 },
  () =>
    withMachine('soak', async (machine) => {
      const { kernels } = machine.image
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      const start = await usageOf(machine)
      const used: Usage[] = []
      for (let round = 1; round <= rounds; round += 1) {
        const kernel = round % 2 === 1 ? kernels['newest-stable'] : kernels['older-stable']
        const swap = ['--strict', '--kernel', kernel, ...machineUnits]
        const outcome = await runRemoteSwap(machine, swap, () => {})
        if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan)}`)
        const { report } = outcome
        const usage = await usageOf(machine)
        used.push(usage)
        process.stderr.write(`${summary(round, report)}\n  ${JSON.stringify(usage)}\n`)
        expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped', kernel: { running: kernel } })
        for (const { abi } of report.workloads) {
          expect(abi).toMatchObject({ strict: true, differences: [], tolerated: [] })
          expect(abi?.facets.equal).toBeGreaterThan(90)
        }
      }
      expect(await mainPids(machine)).toBe(before)
      await expectUnharmed(clients)
      await expectRunning(machine)
      // The first swap puts things in place (a log, a cache) that later ones find.
      const [first, last] = [used[0]!, used.at(-1)!]
      expect(last.host).toEqual(first.host)
      for (const [index, unit] of machineUnits.entries()) {
        // What a service has touched of its memory varies by itself; a restore begins with what was in use.
        const most = Math.max(start.memory[index]!, first.memory[index]!)
        expect(last.memory[index], unit).toBeLessThan(most * 1.1)
        // A database opens files as it needs them; something left behind by every swap shows all the same.
        expect(last.handles[index]! - first.handles[index]!, unit).toBeLessThan(rounds / 2)
      }
      // Of each swap the report stays, of the latest ones the logs.
      expect(last.disk - first.disk).toBeLessThan(rounds * 256 + 4 * first.disk)
    }),
)

function summary(round: number, { verdict, workloads, freeze }: Report): string {
  const counts = workloads.map(({ unit, abi }) => {
    const { equal = 0, explained = 0, differing = 0, unverified = 0 } = abi?.facets ?? {}
    const lines = abi?.differences.map(({ facet, line }) => `\n    ${facet}: ${line}`).join('') ?? ''
    return `\n  ${unit}: ${equal} equal, ${explained} explained, ${differing} differing, ${unverified} unverified${lines}`
  })
  const shares = freeze.map(
    ({ step, seconds, share }) => `${step} ${seconds} s ${(share * 100).toFixed(0)} %`,
  )
  return `swap ${round} of ${rounds}: ${verdict}; freeze: ${shares.join(', ')}${counts.join('')}`
}

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
