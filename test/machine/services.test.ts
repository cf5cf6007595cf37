import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openWire, type Wire } from '../../src/rehearsal/clients/wire.ts'
import { prepareBy } from '../../src/rehearsal/installation.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import { fetchStockPackages, type StockService, stockServices } from './stock-services.ts'
import { expectNoneHeld, inShell, withMachine } from './support.ts'

/** `npm run test:services` asks for it. */
const isAsked = process.env.KERNELSWAP_SERVICES === '1'

/** Protects servers as Debian's packages install them: each comes back whole, and no peer of theirs notices. */
test.runIf(isAsked)('stock services survive a strict swap, whole', { timeout: 7_200_000 }, () =>
  withMachine('services', async (machine) => {
    await install(machine)
    const units = [...machineUnits, ...stockServices.map(({ unit }) => unit)]
    const talks = await Promise.all(
      stockServices.flatMap((service) => (service.talk ? [begin(machine, service)] : [])),
    )
    const outcome = await runRemoteSwap(
      machine,
      ['--strict', '--kernel', machine.image.kernels['newest-stable'], ...units],
      (event) => void process.stderr.write(`${JSON.stringify(event)}\n`),
      3600,
    )
    if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan, null, 1)}`)
    const { report } = outcome
    const differences = report.workloads.flatMap(({ unit, abi }) =>
      (abi?.differences ?? []).map(({ facet, task, line }) => `${unit} ${facet} of ${task}: ${line}`),
    )
    expect(differences).toEqual([])
    expect(report.workloads.map(({ unit, outcome }) => `${unit} ${outcome}`)).toEqual(
      units.map((unit) => `${unit} preserved`),
    )
    expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped', reason: null })
    for (const talk of talks) await talk.goOn()
    await expectNoneHeld(machine)
    // What is only half there shows as it is started again: listeners of systemd's, PID files, runtime directories.
    await inShell(machine, `systemctl restart ${units.join(' ')} && systemctl is-active ${units.join(' ')}`)
  }),
)

/** Installs all of them, from Debian's archive, as their packages do it. */
async function install(machine: Machine): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-services-'))
  try {
    const { files } = await fetchStockPackages(machine.image, place)
    const answers = stockServices.flatMap(({ answers }) => answers ?? []).join('\n')
    await prepare(machine, `debconf-set-selections <<'END'\n${answers}\nEND`)
    const ssh = await machine.ssh()
    for (const file of files) await ssh.putFile(join(place, file), `/root/${file}`, 0o600)
    await prepare(machine, `cd /root && DEBIAN_FRONTEND=noninteractive dpkg --install ${files.join(' ')}`)
  } finally {
    rmSync(place, { recursive: true })
  }
  for (const { prepare: line } of stockServices) if (line) await prepare(machine, line)
  const units = stockServices.map(({ unit }) => unit).join(' ')
  await prepare(machine, `systemctl restart ${units} && systemctl is-active ${units}`)
}

async function prepare(machine: Machine, line: string): Promise<void> {
  await prepareBy(machine, 'bash', ['-ec', line], { timeoutSeconds: 1800 })
}

/** Opens a connection, and has it answered once; `goOn` has it answered again. */
async function begin(machine: Machine, { unit, talk }: StockService): Promise<{ goOn(): Promise<void> }> {
  const { port, greets, say, hears } = talk!
  const wire: Wire = await openWire(machine.address, port)
  const take = (expected: RegExp) => (received: string) =>
    expected.test(received) ? { reply: unit, length: received.length } : null
  if (greets) await wire.exchange('', take(greets))
  const exchange = () => wire.exchange(say, take(hears))
  expect(await exchange()).toBe(unit)
  return {
    async goOn() {
      expect(await exchange()).toBe(unit)
      wire.close()
    },
  }
}
