import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import { messageIds } from '../../src/swap/announce/messages.ts'
import {
  expectRunning,
  expectUnharmed,
  inMachine,
  inShell,
  installHook,
  isUnattended,
  mainPids,
  withMachine,
} from './support.ts'

const metrics = '/var/lib/prometheus/node-exporter/kernelswap.prom'
const configuration = `metrics-file = "${metrics}"
on-success = ["/usr/bin/tee", "/root/notified.json"]
on-failure = ["/usr/bin/touch", "/root/failed"]
`

/** What a host has for a night alone, with nobody logged in to see it through. */
test.runIf(isUnattended)(
  'a timer swaps to a newer kernel in its window, once, and tells those who watch',
  () =>
    withMachine('schedule', async (machine) => {
      const before = await mainPids(machine)
      const newest = machine.image.kernels['newest-backports']
      await inShell(
        machine,
        `mkdir -p ${metrics.replace(/\/[^/]*$/, '')} && cat > /etc/kernelswap/config.d/90-test.toml <<'END'\n${configuration}END`,
      )
      // As apt does when it has unpacked a kernel: its package's own script calls ours. Its initrd is there already.
      await inShell(machine, `INITRD=No dpkg-reconfigure --frontend=noninteractive linux-image-${newest}`)
      expect(await inShell(machine, 'cat /run/reboot-required.pkgs')).toBe(`linux-image-${newest}`)
      expect(await inMachine(machine, 'kernelswap', 'doctor')).toMatch(/\n\nready$/)
      await expectPackageGuarded(machine)
      await expectRefusals(machine)

      const clients = await startClients(machine.address, machineUnits)
      const start = await inShell(machine, 'date --date="2 minutes" "+%H:%M"')
      await inMachine(machine, 'kernelswap', 'schedule', '--on-calendar', `*-*-* ${start}`, '--window', '1h')
      expect(await inMachine(machine, 'kernelswap', 'schedule', 'show')).toMatch(/^next +\w{3} \d{4}-/m)
      await sleep(150_000)

      const report = await awaitReport(machine)
      expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped', kernel: { running: newest } })
      expect(await mainPids(machine)).toBe(before)
      await expectUnharmed(clients)
      // The verdict is told after it is on disk.
      await inMachine(machine, 'systemctl', 'start', '--wait', 'kernelswap-settle.service')
      await expectTold(machine, report.id)
      await expectOnlyOnce(machine)
      await expectRunning(machine)
    }),
)

/** Nothing of it swaps: what runs goes on, and each says why. */
async function expectRefusals(machine: Machine): Promise<void> {
  const closed = await inShell(machine, 'date --date="3 hours ago" "+%H:%M"')
  await expectRefusal(machine, ['--on-calendar', `*-*-* ${closed}`], 3, /window .* is closed/)
  await expectRefusal(machine, ['--max-outage', '20s'], 3, /no swap has been measured here yet/)
  await installHook(machine, 'all/50-backup', '[ "$1" != check ] || exit 10\nexit 64')
  await expectRefusal(machine, [], 3, /hook all\/50-backup vetoes/)
  await inMachine(machine, 'rm', '-r', '/etc/kernelswap/hooks.d')
  // No server listens there.
  const lock = '/run/kernelswap/config.d/95-lock.toml'
  await inShell(
    machine,
    `mkdir -p /run/kernelswap/config.d && echo '[fleet-lock]\nurl = "http://127.0.0.1:9"' > ${lock}`,
  )
  await expectRefusal(machine, [], 75, /The lock of group default was not taken/)
  await inMachine(machine, 'rm', lock)
  expect(await inShell(machine, 'ls /var/lib/kernelswap/swaps 2>/dev/null || true')).toBe('')
}

async function expectRefusal(
  machine: Machine,
  options: readonly string[],
  code: number,
  why: RegExp,
): Promise<void> {
  const shell = await machine.ssh()
  const words = ['--quiet', '--wait', '--collect', 'kernelswap', 'run', '--scheduled', ...options]
  const ended = await shell.run('systemd-run', words, { timeoutSeconds: 300 })
  expect(ended.code, ended.stderr).toBe(code)
  const told = await inShell(
    machine,
    `journalctl --sync; journalctl --output=cat MESSAGE_ID=${messageIds.skipped} | tail -n 1`,
  )
  expect(told).toMatch(why)
}

/** A package that is taken away takes the checkpoints' way back with it. */
async function expectPackageGuarded(machine: Machine): Promise<void> {
  const pending = '/var/lib/kernelswap/pending'
  const told = await inShell(
    machine,
    `touch ${pending}; dpkg --remove kernelswap 2>&1 || true; rm ${pending}`,
  )
  expect(told).toMatch(/a swap is pending/)
  // What was wanted of it, dpkg remembers; what it is, is what counts.
  expect(await inShell(machine, 'dpkg --status kernelswap | grep ^Status:')).toMatch(/ ok installed$/)
}

async function expectTold(machine: Machine, id: string): Promise<void> {
  expect(await inShell(machine, 'ls /run/reboot-required* 2>/dev/null || true')).toBe('')
  expect(await inShell(machine, `cat ${metrics}`)).toMatch(
    /^kernelswap_last_verdict\{verdict="swapped"\} 1$/m,
  )
  expect(JSON.parse(await inShell(machine, 'cat /root/notified.json'))).toMatchObject({
    id,
    verdict: 'swapped',
  })
  expect(await inShell(machine, 'ls /root/failed 2>/dev/null || true')).toBe('')
  const fields = `KERNELSWAP_ID=${id} MESSAGE_ID=${messageIds.swapped} VERDICT=swapped`
  expect(await inShell(machine, `journalctl --catalog ${fields}`)).toMatch(/The kernel was swapped/)
  expect(await inShell(machine, `journalctl --output=cat KERNELSWAP_ID=${id} PHASE=freeze`)).toBe(
    `swap ${id}: freeze`,
  )
  expect(
    await inShell(machine, `journalctl --output=cat KERNELSWAP_ID=${id} UNIT=redis-server.service`),
  ).toMatch(/preserved/)
}

/** The timer, which is persistent, has not made up for a run that took place: there was one swap, and nothing more is due. */
async function expectOnlyOnce(machine: Machine): Promise<void> {
  expect(await inShell(machine, 'ls /var/lib/kernelswap/swaps | wc -l')).toBe('1')
  expect(await inShell(machine, 'systemctl is-active kernelswap-scheduled.timer')).toBe('active')
  await inMachine(machine, 'systemctl', 'start', 'kernelswap-scheduled.service')
  expect(await inShell(machine, 'ls /var/lib/kernelswap/swaps | wc -l')).toBe('1')
  await inMachine(machine, 'kernelswap', 'schedule', 'off')
  expect(await inShell(machine, 'systemctl list-timers --all --no-legend kernelswap*')).toBe('')
  expect(await inShell(machine, 'systemctl --failed --no-legend')).toBe('')
}
