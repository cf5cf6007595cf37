import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verifyBundle } from '../../src/archive/bundle.ts'
import { startBackground } from '../../src/host/local.ts'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import { reportSchema } from '../../src/report/report.ts'
import { commandLine, elsewhere } from './elsewhere.ts'
import { expectRunning, expectUnharmed, inShell, mainPids, withMachine } from './support.ts'

/** `npm run test:remote` asks for it. */
const isAsked = process.env.KERNELSWAP_REMOTE === '1'

const there = ['--host', 'machine']

/** What an operator does who sits elsewhere: the machine knows nothing of this side but its connections. */
test.runIf(isAsked)(
  'a machine is swapped from elsewhere: evacuated and followed, then with its controller killed, then with nobody to fetch its checkpoint',
  { timeout: 7_200_000 },
  () =>
    withMachine('remote', async (machine) => {
      const { kernels } = machine.image
      const place = mkdtempSync(join(tmpdir(), 'kernelswap-remote-'))
      const start = elsewhere(machine, place)
      const kernelswap = (...words: string[]) => start(...there, ...words)
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      try {
        const swap = ['run', '--yes', '--json', '--kernel', kernels['newest-stable'], ...machineUnits]
        const copies = join(place, 'copies')
        const first = await kernelswap(...swap, '--evacuate', copies)
        expect(first.code, first.stderr).toBe(0)
        const report = reportSchema.parse(JSON.parse(first.stdout))
        expect(report).toMatchObject({ verdict: 'swapped', reason: null })
        expect(first.stderr).toMatch(/jumping\n.*waiting for the new kernel\n/)
        expect(report.freeze.map(({ step }) => step)).toContain('evacuate')
        const local = await inShell(machine, 'kernelswap report --json')
        expect(JSON.parse((await kernelswap('report', '--json')).stdout)).toEqual(JSON.parse(local))
        expect(report).toEqual(JSON.parse(local))
        const index = await verifyBundle(join(copies, `machine-${report.id}.tar`))
        expect(index.units).toEqual([...machineUnits])
        expect(index.files.map(({ name }) => name)).toContain('landing/units.list')

        const back = ['--kernel', kernels['older-stable'], ...machineUnits]
        await killDuring(/freeze: checkpoint/, place, ['run', '--yes', ...back])
        expect(await awaitReport(machine)).toMatchObject({
          verdict: 'swapped',
          kernel: { running: kernels['older-stable'] },
        })
        expect((await kernelswap('status')).stdout).toMatch(/swapped\n.*swapped$/m)

        const nobody = await inShell(
          machine,
          `kernelswap run --yes --json --hand-over --kernel ${kernels['newest-stable']} ${machineUnits.join(' ')} || true`,
        )
        expect(reportSchema.parse(JSON.parse(nobody))).toMatchObject({
          verdict: 'aborted',
          reason: expect.stringContaining('nobody connected'),
        })
        expect(await mainPids(machine)).toBe(before)
        await expectUnharmed(clients)
        await expectRunning(machine)
      } finally {
        rmSync(place, { recursive: true })
      }
    }),
)

/** Starts a swap from here, and kills what controls it as soon as it says this. */
async function killDuring(what: RegExp, place: string, words: readonly string[]): Promise<void> {
  const log = join(place, 'log')
  const running = await startBackground('node', commandLine(place, [...there, ...words]), { stderrFile: log })
  await expect.poll(() => readFile(log, 'utf8'), { timeout: 600_000, interval: 200 }).toMatch(what)
  running.kill('SIGKILL')
  await running.ended
}
