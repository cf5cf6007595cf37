import { describe, expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { entryNames } from '../../src/swap/resume.ts'
import {
  atBootsOf,
  configure,
  expectRunning,
  expectUnharmed,
  inShell,
  mainPids,
  outcomesOf,
  startSwap,
  swapAndFallBack,
  withMachine,
} from './support.ts'

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

/** A swap that has its verdict is over: what comes then is an ordinary power cut, and so is one that takes the memory. */
function startsCold(cell: Cell): boolean {
  return cell.fault === 'power cut' && expectedVerdict(cell) !== 'fell-back'
}

const matrix: readonly Cell[] = entryNames.flatMap((entry) => faults.map((fault) => ({ entry, fault })))

const isFull = process.env.KERNELSWAP_FAULTS === 'all'

/** A cell of each fault; `npm run test:faults` tries them all. A power cut after the jump: the damaged checkpoint below. */
const sample: readonly Cell[] = [
  { entry: 'step:seal', fault: 'kill' },
  { entry: 'step:checkpoint', fault: 'power cut' },
]

/** A swap that dies at any entry of its journal ends with every service running, and with its memory if that can be. */
describe('crash matrix', () => {
  test.each(isFull ? matrix : sample)('$fault after $entry', (cell) =>
    withMachine(`fault-${cell.entry.replace(':', '-')}-${cell.fault.replace(' ', '-')}`, async (machine) => {
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      const report = await struckSwap(machine, cell)
      process.stderr.write(`${cell.entry} × ${cell.fault} → ${report.verdict}\n`)

      expect(report.verdict).toBe(expectedVerdict(cell))
      await expectRunning(machine)
      if (report.verdict === 'degraded') expect(report.reason).toMatch(/the machine went down/)
      if (!startsCold(cell)) {
        expect(await mainPids(machine)).toBe(before)
        return expectUnharmed(clients)
      }
      // They know nothing of the connections.
      expect(await mainPids(machine)).not.toBe(before)
      await clients.stop()
    }),
  )
})

interface DeadKernel {
  readonly name: string
  readonly prepare: (machine: Machine, kernel: string) => Promise<unknown>
}

const deadKernels: readonly DeadKernel[] = [
  {
    // The landing has to wait for that file system, and what the generator reads must not be on it. Services that are
    // started afresh have it in their view as a boot makes it, read-only for those that are kept from the host's files.
    name: 'panics under PID 1, with the checkpoints on a file system of their own',
    prepare: async (machine, kernel) => {
      await inShell(
        machine,
        `truncate --size=1G /srv/state && mkfs.ext4 -q /srv/state && mkdir -p -m 700 /var/lib/kernelswap &&
         echo '/srv/state /var/lib/kernelswap ext4 loop 0 2' >> /etc/fstab && systemctl daemon-reload &&
         mount /var/lib/kernelswap && rmdir /var/lib/kernelswap/lost+found &&
         systemctl restart ${machineUnits.join(' ')}`,
      )
      await atBootsOf(machine, kernel, 'echo c > /proc/sysrq-trigger')
    },
  },
  {
    name: 'hangs',
    // Archives behind each other are one initrd, each at a multiple of four bytes (driver-api/early-userspace).
    prepare: async (machine, kernel) => {
      await inShell(
        machine,
        `cd $(mktemp -d) && printf '#!/bin/sh\nwhile :; do sleep 1; done\n' > init && chmod 755 init &&
         truncate --size=%4 /boot/initrd.img-${kernel} && echo init | cpio --quiet -o -H newc >> /boot/initrd.img-${kernel}`,
      )
      // What README asks for, so that the watchdog goes on ticking through the jump.
      await inShell(
        machine,
        'modprobe -r i6300esb watchdog && modprobe watchdog stop_on_reboot=0 && modprobe i6300esb',
      )
      await configure(machine, 'watchdog-seconds = 60')
    },
  },
]

/** A kernel that panics at once: fallback.test.ts. */
describe('a kernel that does not come up', () => {
  test.runIf(isFull).each(deadKernels)('$name: the old one restores the checkpoint', ({ name, prepare }) =>
    withMachine(`fell-back-${name.replaceAll(/\W+/g, '-')}`, async (machine) => {
      await prepare(machine, machine.image.kernels['newest-stable'])
      await swapAndFallBack(machine)
    }),
  )
})

/** A checkpoint that isn't what was sealed must not come to life, and must not keep the others from it. */
test('damaged checkpoints are refused and their services started cold; a torn journal line is no damage', () =>
  withMachine('damaged', async (machine) => {
    await startSwap(machine, ['--setenv=KERNELSWAP_FAILPOINT=step:jump=hold'])
    await awaitEntry(machine, 'step:jump')
    const damages = [
      'cd /var/lib/kernelswap/swaps/*/',
      'printf X | dd of=$(echo workloads/redis-server.service/images/pages-1.img) bs=1 seek=5000 conv=notrunc status=none',
      'rm workloads/memcached.service/images/core-*.img',
      'sed -i "1s| [^ ]*$| ../../../../../../etc/hostname|" workloads/nginx.service/manifest',
      'truncate --size=-9 journal.jsonl',
      'sync',
    ]
    await inShell(machine, damages.join(' && '))
    await machine.reset()
    const report = await awaitReport(machine)
    expect(report.verdict).toBe('degraded')
    expect(outcomesOf(report)).toEqual({
      'redis-server.service': 'cold',
      'memcached.service': 'cold',
      'nginx.service': 'cold',
      'postgresql@17-main.service': 'preserved',
    })
    expect(report.workloads.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/its checkpoint was damaged: images\/pages-1.img: other bytes than were sealed/),
      expect.stringMatching(/its checkpoint was damaged: cksum: images\/core-\d+.img: No such file/),
      expect.stringMatching(/its checkpoint was damaged: manifest: names a file elsewhere/),
      null,
    ])
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
        timeout: 1_200_000,
        interval: 1000,
      },
    )
    .toBe('1')
}
