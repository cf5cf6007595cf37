import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { expectDocument } from '../documents.ts'
import { aimedAt, expectUnharmed, inMachine, inShell, withMachine } from './support.ts'
import { installTicker, tickerFiles } from './ticker.ts'

const units = [...machineUnits, 'ticker.service']

/**
 * Two swaps in a row with the same processes: to the patched kernel, and to the next major version. Protects what a swap
 * promises of each workload, and that a restored workload can be carried again. test/machine/soak.test.ts goes on.
 */
test('services, connections, files and the journal survive two swaps in a row', () =>
  withMachine('swap', async (machine) => {
    await installTicker(machine)
    const { kernels } = machine.image
    const filesBefore = await tickerFiles(machine)
    const statesBefore = await unitStates(machine)
    const clients = await startClients(machine.address, machineUnits)

    for (const kernel of [kernels['newest-stable'], kernels['newest-backports']]) {
      const report = await swapTo(machine, kernel)
      expect(report).toMatchObject({
        verdict: 'swapped',
        reason: null,
        kernel: { to: kernel, running: kernel },
      })
      expect(await inMachine(machine, 'uname', '-r')).toBe(kernel)
      for (const { outcome, pid } of report.workloads) {
        expect(outcome).toBe('preserved')
        expect(pid.after).toBe(pid.before)
      }
      expect(await unitStates(machine)).toEqual(statesBefore)
      expect(await tickerFiles(machine)).toEqual(filesBefore)
      await expectNothingLeftOver(machine)
    }

    await expectUnharmed(clients)
    await expectUnbrokenJournal(machine)
    await expectKnownDocuments(machine)
    await expectOrdinaryUnits(machine)
  }))

async function swapTo(machine: Machine, kernel: string): Promise<Report> {
  const outcome = await runRemoteSwap(machine, ['--kernel', kernel, ...units], () => {})
  if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan)}`)
  return outcome.report
}

/** What systemd says of each unit: same main process, own control group, own settings. */
async function unitStates(machine: Machine): Promise<string> {
  const names =
    'Id,ActiveState,SubState,MainPID,ControlGroup,Type,Restart,PIDFile,NotifyAccess,SyslogIdentifier,DropInPaths'
  return inMachine(machine, 'systemctl', 'show', `--property=${names}`, ...units)
}

async function expectNothingLeftOver(machine: Machine): Promise<void> {
  expect(await inShell(machine, 'nft list tables')).toBe('')
  expect(await inShell(machine, 'ls -A /etc/kernelswap')).toBe('config.d')
  expect(
    await inShell(
      machine,
      'find /run/systemd /etc/systemd -path "*.d/*kernelswap*" ! -name kernelswap-adopt.conf',
    ),
  ).toBe('')
  expect(await inShell(machine, 'find /var/lib/kernelswap -name "*.img"')).toBe('')
  expect(await inShell(machine, aimedAt)).toBe('')
  expect(await inShell(machine, 'systemctl --failed --no-legend')).toBe('')
  expect(await inShell(machine, 'pgrep --exact sleep || true')).toBe('')
  expect(await inShell(machine, 'ip route show | grep mtu || true')).toBe('')
}

/** Every tick that the service wrote is in the journal once, under its own name, over all three kernels. */
async function expectUnbrokenJournal(machine: Machine): Promise<void> {
  const ticks = await inShell(
    machine,
    'journalctl --unit=ticker --identifier=ticker --output=cat --no-pager | grep ^tick',
  )
  const numbers = ticks.split('\n').map((line) => Number(line.split(' ')[1]))
  const boots = await inShell(
    machine,
    'journalctl --unit=ticker --output=json --no-pager | grep -o "\\"_BOOT_ID\\":\\"[0-9a-f]*" | sort -u | wc -l',
  )
  expect(Number(boots)).toBe(3)
  expect(numbers.length).toBeGreaterThan(40)
  // The last line before each jump may be on its way from journald to the disk when file systems go read-only.
  const missing = Array.from({ length: numbers.at(-1)! }, (_, index) => index).filter(
    (tick) => !numbers.includes(tick),
  )
  expect(missing.length).toBeLessThanOrEqual(2 * 2)
  expect(new Set(numbers).size).toBe(numbers.length)
}

/** What verbs print of a host that has swapped is what the schemas in the package say. */
async function expectKnownDocuments(machine: Machine): Promise<void> {
  const verbs = {
    'status/1': 'status --json',
    'report/1': 'report --json',
    'plan/1': 'plan --no-trial --json',
    'kernels/1': 'kernels --json',
    'doctor/1': 'doctor --json',
    'adopt/1': 'adopt --json memcached',
    'configuration/1': 'config show --json',
    'hooks/1': 'hooks list --json',
    'hooks-run/1': 'hooks run --json memcached check',
    'snapshot/1': 'snapshot --json memcached',
  }
  for (const [name, words] of Object.entries(verbs)) {
    expectDocument(await inShell(machine, `kernelswap ${words} || true`), name)
    const file = `/usr/share/kernelswap/schemas/${name.replace('/', '-')}.json`
    expect(JSON.parse(await inMachine(machine, 'cat', file))).toMatchObject({ title: `kernelswap.${name}` })
  }
}

async function expectOrdinaryUnits(machine: Machine): Promise<void> {
  for (const unit of units) {
    await inMachine(machine, 'systemctl', 'restart', unit)
    expect(await inMachine(machine, 'systemctl', 'is-active', unit)).toBe('active')
    await inMachine(machine, 'systemctl', 'stop', unit)
    expect(await inShell(machine, `systemctl is-active ${unit} || true`)).toBe('inactive')
  }
}
