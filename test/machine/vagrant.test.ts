import { mkdir, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { attempt } from '../../src/host/local.ts'
import { ensureImage } from '../../src/rehearsal/image.ts'
import { machineUnits } from '../../src/rehearsal/rehearse.ts'
import { setUpLoopback } from '../../src/rehearsal/sandbox.ts'
import { createPrivateVagrant, type PrivateVagrant } from '../../src/rehearsal/vagrant.ts'
import { type Report, reportSchema } from '../../src/report/report.ts'

/** `npm run test:vagrant` asks for these: they need packages that no other test does. */
const wanted = process.env.KERNELSWAP_VAGRANT === '1'

test.runIf(wanted)(
  'the machine comes up, swaps, boots again and goes by Vagrant’s own commands',
  async () => {
    const { kernels } = await ensureImage(() => {})
    await withVagrant('vagrant', async ({ vagrant }) => {
      const inMachine = async (line: string) => (await vagrant(['ssh', '-c', line])).stdout.trim()
      await vagrant(['up'])
      expect(await inMachine('uname -r')).toBe(kernels['older-stable'])

      const swapTo = (kernel: string) =>
        vagrant(['provision', '--provision-with', 'swap'], { KERNEL: kernel })
      await expect(swapTo('0.0.0-none')).rejects.toThrow('did not end well')
      const swap = await swapTo('newest-stable')
      expect(swap.stdout).toMatch(/^swap \d+: swapped$/m)
      for (const unit of machineUnits)
        expect(swap.stdout).toMatch(new RegExp(`${unit}: preserved, PID \\d+$`, 'm'))
      expectSwapped(reportSchema.parse(JSON.parse(await inMachine('kernelswap report --json'))))
      expect(await inMachine('uname -r')).toBe(kernels['newest-stable'])

      await vagrant(['reload'])
      expect(await inMachine(`uname -r; systemctl is-active ${machineUnits.join(' ')}`)).toBe(
        [kernels['older-stable'], ...machineUnits.map(() => 'active')].join('\n'),
      )

      await vagrant(['destroy', '--force'])
      expect((await vagrant(['status'])).stdout).toContain('not created')
    })
  },
)

test.runIf(wanted)('kernelswap rehearse --vagrant gives the report that a rehearsal gives', async () => {
  await setUpLoopback()
  const rehearse = ['dist/kernelswap.js', 'rehearse', '--vagrant', '--json']
  const ended = await attempt('node', rehearse, { timeoutSeconds: 1750 })
  expect(ended.code, ended.stderr).toBe(0)
  const report = reportSchema.parse(JSON.parse(ended.stdout))
  expectSwapped(report)
  expect(report.clients).toHaveLength(machineUnits.length)
  for (const client of report.clients!) {
    expect(client).toMatchObject({ connectionSurvived: true, errors: 0, lost: 0, doubled: 0, problem: null })
  }
})

function expectSwapped(report: Report): void {
  expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped', reason: null })
  expect(report.workloads.map(({ unit, outcome }) => [unit, outcome])).toEqual(
    machineUnits.map((unit) => [unit, 'preserved']),
  )
  for (const { abi } of report.workloads) expect(abi).toMatchObject({ strict: true, differences: [] })
}

async function withVagrant(name: string, act: (vagrant: PrivateVagrant) => Promise<void>): Promise<void> {
  const directory = resolve('test-results', name)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await setUpLoopback()
  const vagrant = await createPrivateVagrant(directory)
  try {
    await act(vagrant)
  } finally {
    await vagrant.vagrant(['destroy', '--force']).finally(vagrant.remove)
  }
}
