import { expect, test } from 'vitest'
import { inWords } from '../../src/cli/event-text.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { crowdOf, gatherCrowd, lookAtCrowd, type Member, wakeChildren } from './crowd.ts'
import { expectNoneHeld, inShell, withMachine } from './support.ts'

/** `npm run test:scale` asks for a hundred: an hour under emulation. */
const size = Number(process.env.KERNELSWAP_UNITS ?? 0)
const few = 4
/** So many times what a few units cost may many of them, in one run. */
const mostTimes = 6
/** In emulation a hundred units take a quarter of an hour to come back. */
const patience = 3600

/**
 * Protects every unit of a host that has many: each comes back whole, and what many of them cost grows less than their
 * number.
 */
test.runIf(size > 0)(`${size} units survive two swaps in a row`, { timeout: 4 * patience * 1000 }, () =>
  withMachine('scale', async (machine) => {
    const { kernels } = machine.image
    await gatherCrowd(machine, few)
    const costOfFew = await costOf(machine, kernels['newest-stable'], few)
    await gatherCrowd(machine, size)
    const costs = []
    for (const kernel of [kernels['newest-backports'], kernels['newest-stable']]) {
      costs.push(await costOf(machine, kernel, size))
      process.stderr.write(`seconds for ${few} units: ${costOfFew}, for ${size}: ${costs.at(-1)}\n`)
    }
    await wakeChildren(machine, size)
    expect(Math.max(...costs) / costOfFew).toBeLessThan(mostTimes)
  }),
)

/** A PID 1 that never comes to rest must not cost a unit that CRIU has restored. */
test.runIf(size > 0)(
  'units survive where systemd is busy and its notifications are late',
  { timeout: 2 * patience * 1000 },
  () =>
    withMachine('busy', async (machine) => {
      await gatherCrowd(machine, size)
      await keepSystemdBusy(machine)
      await swapCrowd(machine, machine.image.kernels['newest-stable'], size)
      await wakeChildren(machine, size)
    }),
)

/** Swaps so many of the crowd, expects each to be whole, and returns what plan, capture and freeze took, in seconds. */
async function costOf(machine: Machine, kernel: string, units: number): Promise<number> {
  const began = Number(await inShell(machine, 'date +%s.%N'))
  const report = await swapCrowd(machine, kernel, units)
  const jumped = await inShell(
    machine,
    `grep '"step":"jump"' /var/lib/kernelswap/swaps/${report.id}/journal.jsonl | head -n 1`,
  )
  return JSON.parse(jumped).time - began
}

async function swapCrowd(machine: Machine, kernel: string, units: number): Promise<Report> {
  const before = await lookAtCrowd(machine, units)
  const outcome = await runRemoteSwap(
    machine,
    ['--strict', '--kernel', kernel, ...crowdOf(units)],
    inWords((what) => void process.stderr.write(`${new Date().toISOString()} ${what}\n`)),
    patience,
  )
  if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan)}`)
  const { report } = outcome
  process.stderr.write(`${JSON.stringify({ ...report, workloads: [] })}\n`)
  expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped', reason: null })
  expect(report.workloads.map(({ unit, outcome }) => `${unit} ${outcome}`)).toEqual(
    crowdOf(units).map((unit) => `${unit} preserved`),
  )
  for (const { abi } of report.workloads) expect(abi).toMatchObject({ strict: true, differences: [] })
  expectWhole(before, await lookAtCrowd(machine, units))
  await expectNoneHeld(machine, units)
  return report
}

function expectWhole(before: readonly Member[], after: readonly Member[]): void {
  for (const [index, then] of before.entries()) {
    const now = after[index]!
    expect(now, `number ${index + 1}`).toMatchObject({
      pid: then.pid,
      child: 'T',
      processors: then.processors,
    })
    for (const thread of [0, 1] as const)
      expect(now.counts[thread]).toBeGreaterThanOrEqual(then.counts[thread])
  }
}

/** A unit that reloads systemd in a loop, in every boot from its beginning, and a systemd-notify that takes its time. */
async function keepSystemdBusy(machine: Machine): Promise<void> {
  await inShell(
    machine,
    `cat > /etc/systemd/system/busy.service <<'END'
[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=sh -c 'while :; do systemctl daemon-reload; done'
[Install]
WantedBy=sysinit.target
END
     dpkg-divert --quiet --rename --add /usr/bin/systemd-notify
     printf '#!/bin/sh\\nsleep 7\\nexec /usr/bin/systemd-notify.distrib "$@"\\n' > /usr/bin/systemd-notify
     chmod 755 /usr/bin/systemd-notify
     printf '[unit."busy.service"]\\npolicy = "ignore"\\n' > /etc/kernelswap/config.d/50-busy.toml
     systemctl enable --now busy.service 2>&1`,
  )
}
