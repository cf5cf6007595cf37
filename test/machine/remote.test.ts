import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verifyBundle } from '../../src/archive/bundle.ts'
import { startBackground } from '../../src/host/local.ts'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import { reportSchema } from '../../src/report/report.ts'
import { commandLine, elsewhere } from './elsewhere.ts'
import { expectRunning, expectUnharmed, inMachine, inShell, mainPids, withMachine } from './support.ts'

/** `npm run test:remote` asks for it. */
const isAsked = process.env.KERNELSWAP_REMOTE === '1'

const there = ['--host', 'machine']

/** What an operator does who sits elsewhere: the machine knows nothing of this side but its connections. */
test.runIf(isAsked)(
  'a machine is swapped from elsewhere: evacuated and followed, then whatever becomes of its controller and of the connection, then with nobody to fetch its checkpoint',
  { timeout: 10_800_000 },
  () =>
    withMachine('remote', async (machine) => {
      const place = mkdtempSync(join(tmpdir(), 'kernelswap-remote-'))
      const start = elsewhere(machine, place)
      const kernelswap = (...words: string[]) => start(...there, ...words)
      const before = await mainPids(machine)
      const clients = await startClients(machine.address, machineUnits)
      try {
        const copies = join(place, 'copies')
        const kernel = await otherKernel(machine)
        const first = await kernelswap(...swapTo(kernel), '--evacuate', copies)
        expect(first.code, first.stderr).toBe(0)
        const report = reportSchema.parse(JSON.parse(first.stdout))
        expect(report).toMatchObject({ verdict: 'swapped', reason: null })
        expect(first.stderr).toMatch(/: jumping\n(.*\n)?.*waiting for the new kernel\n/)
        expect(report.freeze.map(({ step }) => step)).toContain('evacuate')
        const local = await inShell(machine, 'kernelswap report --json')
        expect(JSON.parse((await kernelswap('report', '--json')).stdout)).toEqual(JSON.parse(local))
        expect(report).toEqual(JSON.parse(local))
        const index = await verifyBundle(join(copies, `machine-${report.id}.tar`))
        expect(index.units).toEqual([...machineUnits])
        expect(index.files.map(({ name }) => name)).toContain('landing/units.list')

        // Before the jump, in it, and once the new kernel was seen.
        await killDuring(() => /freeze: checkpoint/, machine, place)
        await killDuring(() => /: jumping$/m, machine, place)
        await killDuring(
          (target) => new RegExp(`^${target.replaceAll(/[+.]/g, '\\$&')}: `, 'm'),
          machine,
          place,
        )
        expect((await kernelswap('status')).stdout.match(/swapped$/gm)).toHaveLength(4)

        await cutDuring(/freeze: capture/, machine, place)

        const nobody = await inShell(
          machine,
          `kernelswap run --yes --json --hand-over --kernel ${await otherKernel(machine)} ${machineUnits.join(' ')} || true`,
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

/** The one of Debian's two stable kernels that the machine doesn't run now. */
async function otherKernel(machine: Machine): Promise<string> {
  const { 'older-stable': older, 'newest-stable': newest } = machine.image.kernels
  return (await inMachine(machine, 'uname', '-r')) === older ? newest : older
}

function swapTo(kernel: string): string[] {
  return ['run', '--yes', '--json', '--kernel', kernel, ...machineUnits]
}

/** Swaps from here, and kills what controls it as soon as it says something; the swap goes on all the same. */
async function killDuring(what: (target: string) => RegExp, machine: Machine, place: string): Promise<void> {
  const target = await otherKernel(machine)
  const running = await startElsewhere(place, target)
  await expect.poll(running.said, { timeout: 1_200_000, interval: 200 }).toMatch(what(target))
  running.kill('SIGKILL')
  await running.ended
  await expectSwapped(machine, target)
}

/** Swaps from here, and has the machine drop all packets of SSH for a minute as soon as it says something. */
async function cutDuring(what: RegExp, machine: Machine, place: string): Promise<void> {
  const target = await otherKernel(machine)
  const running = await startElsewhere(place, target)
  await expect.poll(running.said, { timeout: 1_200_000, interval: 200 }).toMatch(what)
  const chain = 'add chain inet cut input { type filter hook input priority -300; }'
  const rules = `add table inet cut; ${chain}; add rule inet cut input tcp dport 22 drop`
  await inMachine(
    machine,
    ...['systemd-run', '--quiet', '--no-block', 'sh', '-c'],
    `sleep 1; nft '${rules}'; sleep 60; nft delete table inet cut`,
  )
  expect(await running.ended).toBe('exit code 0')
  expect(await running.said()).toContain('the swap goes on without it')
  await expectSwapped(machine, target)
}

/** A controller that runs beside us, and what it has said so far. */
async function startElsewhere(place: string, kernel: string) {
  const log = join(place, `${kernel}.log`)
  const words = [...there, ...swapTo(kernel)]
  rmSync(log, { force: true })
  const { kill, ended, stdout } = await startBackground('node', commandLine(place, words), {
    stderrFile: log,
  })
  stdout.resume()
  return { kill, ended, said: () => readFile(log, 'utf8') }
}

async function expectSwapped(machine: Machine, target: string): Promise<void> {
  expect(await awaitReport(machine)).toMatchObject({ verdict: 'swapped', kernel: { running: target } })
}
