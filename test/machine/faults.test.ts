import { describe, expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { entryNames } from '../../src/swap/resume.ts'
import { expectUnharmed, inShell, withMachine } from './support.ts'

/** What strikes right after a journal entry is on disk. */
const faults = ['kill', 'power cut'] as const
type Fault = (typeof faults)[number]

interface Cell {
  readonly entry: string
  readonly fault: Fault
}

/** The landing lets the services go on before `verify` is written, and takes the checkpoint's seal away. */
const afterRelease = new Set(['step:verify', 'step:clear-landing', 'verdict'])

/** What must become of each cell; a power cut takes the memory that is in no sealed checkpoint. */
function expectedVerdict({ entry, fault }: Cell): Report['verdict'] {
  if (fault === 'kill') return afterRelease.has(entry) ? 'swapped' : 'aborted'
  if (entry === 'verdict') return 'swapped'
  return entry === 'step:jump' ? 'fell-back' : 'degraded'
}

const matrix: readonly Cell[] = entryNames.flatMap((entry) => faults.map((fault) => ({ entry, fault })))

/** A cell of each fault; `npm run test:faults` tries them all. A power cut after the jump: the damaged checkpoint below. */
const sample: readonly Cell[] = [
  { entry: 'step:seal', fault: 'kill' },
  { entry: 'step:checkpoint', fault: 'power cut' },
]

/** A swap that dies at any entry of its journal ends with every service running, and with its memory if that can be. */
describe('crash matrix', () => {
  const cells = process.env.KERNELSWAP_FAULTS === 'all' ? matrix : sample
  test.each(cells)('$fault after $entry', (cell) =>
    withMachine(`fault-${cell.entry.replace(':', '-')}-${cell.fault.replace(' ', '-')}`, async (machine) => {
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      const report = await struckSwap(machine, cell)
      process.stderr.write(`${cell.entry} × ${cell.fault} → ${report.verdict}\n`)

      expect(report.verdict).toBe(expectedVerdict(cell))
      await expectRunning(machine)
      if (report.verdict === 'degraded') expect(report.reason).toMatch(/the machine went down/)
      else expect(await mainPids(machine)).toBe(before)
      // Cold services know nothing of the connections.
      if (report.verdict === 'degraded') await clients.stop()
      else await expectUnharmed(clients)
    }),
  )
})

describe('a kernel that does not come up', () => {
  const panics = [
    {
      name: 'panics before PID 1',
      // An initrd that is none: the kernel finds no root file system.
      prepare: (kernel: string) =>
        `cp /boot/initrd.img-${kernel} /root/initrd && echo broken > /boot/initrd.img-${kernel}`,
    },
    {
      name: 'panics under PID 1',
      prepare: (
        kernel: string,
      ) => `printf '%s\\n' '[Unit]' DefaultDependencies=no ConditionKernelVersion=${kernel} Before=kernelswap-land.service \
        '[Service]' Type=oneshot 'ExecStart=sh -c "echo c > /proc/sysrq-trigger"' > /etc/systemd/system/panic.service &&
        mkdir -p /etc/systemd/system/sysinit.target.wants && ln -s ../panic.service /etc/systemd/system/sysinit.target.wants/`,
    },
  ]
  test.runIf(process.env.KERNELSWAP_FAULTS === 'all').each(panics)(
    '$name: the old one restores the checkpoint',
    ({ name, prepare }) =>
      withMachine(`fell-back-${name.replaceAll(' ', '-')}`, async (machine) => {
        const kernel = machine.image.kernels['newest-stable']
        await inShell(machine, prepare(kernel))
        const before = await mainPids(machine)
        const clients = await startClients(machine.address, machineUnits)
        await startSwap(machine, [])
        const report = await awaitReport(machine)
        expect(report, report.reason ?? '').toMatchObject({
          verdict: 'fell-back',
          kernel: { to: kernel, running: machine.image.kernels['older-stable'] },
        })
        expect(await mainPids(machine)).toBe(before)
        await expectUnharmed(clients)
      }),
  )
})

test('a damaged checkpoint is refused, and its service started cold', () =>
  withMachine('damaged', async (machine) => {
    await startSwap(machine, ['--setenv=KERNELSWAP_FAILPOINT=step:jump=hold'])
    await awaitEntry(machine, 'step:jump')
    const pages = '/var/lib/kernelswap/swaps/*/workloads/redis-server.service/images/pages-1.img'
    await inShell(
      machine,
      `printf X | dd of=$(echo ${pages}) bs=1 seek=5000 conv=notrunc status=none && sync`,
    )
    await machine.reset()
    const report = await awaitReport(machine)
    expect(report.verdict).toBe('degraded')
    const outcomes = report.workloads.map(({ unit, outcome }) => [unit, outcome])
    expect(outcomes).toEqual(
      machineUnits.map((unit) => [unit, unit === 'redis-server.service' ? 'cold' : 'preserved']),
    )
    expect(report.workloads[0]!.reason).toMatch(/its checkpoint was damaged: images\/pages-1.img: FAILED/)
    await expectRunning(machine)
  }))

async function struckSwap(machine: Machine, { entry, fault }: Cell): Promise<Report> {
  const failpoint = `${entry}=${fault === 'kill' ? 'kill' : 'hold'}`
  // `run` hands the failpoint on; the boot after the jump gets it from its unit.
  await inShell(
    machine,
    `mkdir -p /etc/systemd/system/kernelswap-settle.service.d && printf '[Service]\\nEnvironment=KERNELSWAP_FAILPOINT=%s\\n' '${failpoint}' \
     > /etc/systemd/system/kernelswap-settle.service.d/failpoint.conf && sync`,
  )
  await startSwap(machine, [`--setenv=KERNELSWAP_FAILPOINT=${failpoint}`])
  if (fault === 'power cut') {
    await awaitEntry(machine, entry)
    await machine.reset()
  }
  return awaitReport(machine)
}

/** Starts a swap and doesn't wait for it: the machine may go down at any moment. */
async function startSwap(machine: Machine, options: readonly string[]): Promise<void> {
  const kernel = machine.image.kernels['newest-stable']
  const run = `kernelswap run --yes --json --kernel ${kernel} ${machineUnits.join(' ')}`
  await inShell(machine, `systemd-run --quiet --unit=swap ${options.join(' ')} ${run}`)
}

/** Waits until the swap stands still at an entry, on whatever boot that is. */
async function awaitEntry(machine: Machine, entry: string): Promise<void> {
  const [kind, step] = entry.split(':')
  const wanted = step === undefined ? `"kind":"${kind}"` : `"step":"${step}"`
  await expect
    .poll(
      () =>
        inShell(machine, `grep -s -c '${wanted}' /var/lib/kernelswap/swaps/*/journal.jsonl || true`).catch(
          () => '',
        ),
      {
        timeout: 600_000,
        interval: 1000,
      },
    )
    .toBe('1')
}

async function expectRunning(machine: Machine): Promise<void> {
  expect(await inShell(machine, `systemctl is-active ${machineUnits.join(' ')}`)).toBe(
    machineUnits.map(() => 'active').join('\n'),
  )
  expect(await inShell(machine, 'nft list tables; ls -A /etc/kernelswap; ls -A /var/lib/kernelswap')).toBe(
    'swaps',
  )
  expect(await inShell(machine, 'grep -l "^State:.T" /proc/[0-9]*/status || true')).toBe('')
}

async function mainPids(machine: Machine): Promise<string> {
  return inShell(machine, `systemctl show --property=MainPID --value ${machineUnits.join(' ')}`)
}
