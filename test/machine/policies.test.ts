import { describe, expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import {
  atBootsOf,
  configure,
  expectRunning,
  expectUnharmed,
  inShell,
  installHook,
  mainPids,
  outcomesOf,
  startSwap,
  swapAndFallBack,
  withMachine,
} from './support.ts'

const isFull = process.env.KERNELSWAP_FAULTS === 'all'
const redis = 'redis-server.service'
const memcached = 'memcached.service'

/** All services but one came along. */
const coldAlone = (unit: string) =>
  Object.fromEntries(machineUnits.map((one) => [one, one === unit ? 'cold' : 'preserved']))

describe('a unit that can’t be restored', () => {
  test.runIf(isFull)(
    'sends everything back to the kernel before, where the checkpoint is restored: nothing is lost',
    () =>
      withMachine('restore-back', async (machine) => {
        // The clock of the new kernel is an hour behind, too: nothing may go by it.
        await failRestores(machine, 'CRIU_FAULT=2', 'date --set "1 hour ago"')
        await configure(machine, `[unit."${redis}"]\non-restore-failure = "back"`)
        const report = await swapAndFallBack(machine)
        expect(report.reason).toMatch(/restore redis-server.service/)
      }),
  )

  test.runIf(isFull)('holds everything for a human, who may have it start cold', () =>
    withMachine('restore-stop', async (machine) => {
      await failRestores(machine, 'CRIU_FAULT=6')
      await configure(machine, `[unit."${redis}"]\non-restore-failure = "stop"`)
      await startSwap(machine)
      const told = await operatorIsAsked(machine)
      expect(told).toMatch(/redis-server.service could not be restored \(CRIU could not restore it: /)
      // Held, not running and not dead, until somebody decides.
      expect(await inShell(machine, `systemctl is-active ${memcached}; nft list tables`)).toMatch(
        /^active\ntable/,
      )
      expect(await inShell(machine, 'kernelswap report 2>&1; echo $?')).toMatch(/75$/)
      expect(await inShell(machine, 'kernelswap resume 2>&1; echo $?')).toMatch(/waits for you[\s\S]*5$/)

      await inShell(machine, 'kernelswap abandon --yes')
      const report = await awaitReport(machine)
      expect(report.verdict).toBe('degraded')
      expect(outcomesOf(report)).toEqual(coldAlone(redis))
      await expectRunning(machine)
    }),
  )

  test.runIf(isFull)('holds everything for a human, who may mend it or go back', () =>
    withMachine('restore-stop-back', async (machine) => {
      await failRestores(machine, 'CRIU_FAULT=2')
      await configure(machine, `[unit."${redis}"]\non-restore-failure = "stop"`)
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      await startSwap(machine)
      await operatorIsAsked(machine)
      await inShell(machine, 'systemd-run --quiet kernelswap back --yes')
      const report = await awaitReport(machine)
      expect(report.verdict, report.reason ?? '').toBe('fell-back')
      expect(await mainPids(machine)).toBe(before)
      await expectUnharmed(clients)
    }),
  )
})

describe('a restored unit that is damaged', () => {
  test.runIf(isFull)('goes back to the kernel before, which restores it unharmed', () =>
    withMachine('verify-back', async (machine) => {
      await tamperWithLanding(machine)
      await configure(machine, `[unit."${memcached}"]\non-verify-failure = "back"`)
      const report = await swapAndFallBack(machine)
      expect(report.reason).toMatch(/memcached.service came back damaged on .*rlimits/)
    }),
  )

  test.runIf(isFull)('starts cold, and the others keep their memory', () =>
    withMachine('verify-cold', async (machine) => {
      await tamperWithLanding(machine)
      await configure(machine, `[unit."${memcached}"]\non-verify-failure = "cold"`)
      await startSwap(machine)
      const report = await awaitReport(machine)
      expect(report.verdict, report.reason ?? '').toBe('degraded')
      expect(outcomesOf(report)).toEqual(coldAlone(memcached))
      expect(report.workloads[1]!.reason).toMatch(/^rlimits of /)
      await expectRunning(machine)
    }),
  )

  test.runIf(isFull)(
    'is told by a hook when the tasks have gone on: another swap goes back, and carries them as they are',
    () =>
      withMachine('verify-hook-back', async (machine) => {
        const { kernels } = machine.image
        await dislikeKernel(machine, kernels['newest-stable'])
        await configure(machine, `[unit."${memcached}"]\non-verify-failure = "back"`)
        const before = await mainPids(machine)
        const clients = await startClients(machine.address, machineUnits)
        await startSwap(machine)
        await twoReports(machine)
        const [, id] = (await inShell(machine, 'ls /var/lib/kernelswap/swaps')).split('\n')
        const report = await awaitReport(machine)
        expect(report).toMatchObject({ id, verdict: 'swapped', kernel: { to: kernels['older-stable'] } })
        expect(await mainPids(machine)).toBe(before)
        await expectUnharmed(clients)
      }),
  )
})

test.runIf(isFull)('kernelswap back carries what runs now to the kernel before', () =>
  withMachine('back', async (machine) => {
    const { kernels } = machine.image
    expect(await inShell(machine, 'kernelswap back --yes 2>&1; echo $?')).toMatch(
      /No swap brought the running kernel[\s\S]*3$/,
    )
    const before = await mainPids(machine)
    const clients = await startClients(machine.address, machineUnits)
    await runRemoteSwap(machine, ['--kernel', kernels['newest-stable'], ...machineUnits], () => {})
    await inShell(machine, 'systemd-run --quiet kernelswap back --yes')
    await twoReports(machine)
    expect(await awaitReport(machine)).toMatchObject({
      verdict: 'swapped',
      kernel: { running: kernels['older-stable'] },
    })
    expect(await mainPids(machine)).toBe(before)
    await expectUnharmed(clients)
  }),
)

/** Waits until there and back again are both told of. */
async function twoReports(machine: Machine): Promise<void> {
  await expect
    .poll(() => inShell(machine, 'ls /var/lib/kernelswap/swaps/*/report.json | wc -l').catch(() => ''), {
      timeout: 1_500_000,
      interval: 3000,
    })
    .toBe('2')
}

/** Has CRIU fail at a certain depth when it restores Redis on the new kernel (criu/include/fault-injection.h). */
async function failRestores(machine: Machine, fault: string, also = 'true'): Promise<void> {
  await inShell(
    machine,
    `mkdir -p /etc/systemd/system/${redis}.d &&
     printf '[Service]\\nEnvironmentFile=-/run/criu-fault\\n' > /etc/systemd/system/${redis}.d/fault.conf`,
  )
  await atBootsOf(machine, machine.image.kernels['newest-stable'], `echo ${fault} > /run/criu-fault; ${also}`)
}

/** Changes a limit of memcached between its restore on the new kernel and its verification: nothing else would notice. */
async function tamperWithLanding(machine: Machine): Promise<void> {
  const script = [
    '#!/bin/sh',
    `[ "$(uname -r)" = ${machine.image.kernels['newest-stable']} ] || exit 0`,
    `prlimit --core=4096:4096 --pid "$(systemctl show --property=MainPID --value ${memcached})"`,
  ].join('\n')
  await inShell(
    machine,
    `cat > /usr/local/bin/tamper <<'END'\n${script}\nEND
     chmod 755 /usr/local/bin/tamper && mkdir -p /etc/systemd/system/kernelswap-settle.service.d &&
     printf '[Service]\nExecStartPre=/usr/local/bin/tamper\n' > /etc/systemd/system/kernelswap-settle.service.d/tamper.conf`,
  )
}

/** Installs a hook that finds memcached intact on any kernel but one. */
async function dislikeKernel(machine: Machine, kernel: string): Promise<void> {
  const hook = [
    'case $1 in',
    'capture) echo 1 ;;',
    `verify) [ "$(uname -r)" != ${kernel} ] || { echo '{"message":"too new"}'; exit 1; } ;;`,
    '*) exit 64 ;;',
    'esac',
  ].join('\n')
  await installHook(machine, `${memcached}/90-dislike`, hook)
}

/** Waits until the settle unit says that it waits, and returns its words. */
async function operatorIsAsked(machine: Machine): Promise<string> {
  await expect
    .poll(
      () =>
        inShell(machine, 'systemctl show --property=ExecMainStatus --value kernelswap-settle').catch(
          () => '',
        ),
      {
        timeout: 1_200_000,
        interval: 3000,
      },
    )
    .toBe('5')
  return inShell(machine, 'journalctl --unit=kernelswap-settle --output=cat --no-pager')
}
