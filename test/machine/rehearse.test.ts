import { expect, test } from 'vitest'
import { attempt } from '../../src/host/local.ts'
import { machineUnits } from '../../src/rehearsal/rehearse.ts'
import { reportSchema } from '../../src/report/report.ts'

/** What a user runs: one command, one report on standard output. */
test('kernelswap rehearse swaps under live clients and prints its report', {
  timeout: 1_800_000,
}, async () => {
  const ended = await attempt('node', ['dist/kernelswap.js', 'rehearse', '--json'], { timeoutSeconds: 1750 })
  expect(ended.code, ended.stderr).toBe(0)
  const report = reportSchema.parse(JSON.parse(ended.stdout))
  expect(report).toMatchObject({ verdict: 'swapped', reason: null })
  expect(report.workloads.map(({ unit, outcome }) => [unit, outcome])).toEqual(
    machineUnits.map((unit) => [unit, 'preserved']),
  )
  for (const { abi } of report.workloads) {
    expect(abi).toMatchObject({ strict: true, differences: [] })
    expect(abi?.facets.equal).toBeGreaterThan(80)
  }
  expect(report.clients).toHaveLength(machineUnits.length)
  for (const client of report.clients!) {
    expect(client).toMatchObject({ connectionSurvived: true, errors: 0, lost: 0, doubled: 0, problem: null })
  }
  expect(ended.stderr).toMatch(/^logs: /m)
})
