import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { SwapEvent } from '../../../../src/swap/event.ts'
import { checkHooks } from '../../../../src/swap/verify/hooks.ts'
import { planWith, workloadWith } from '../plans.ts'

const { place } = vi.hoisted(() => ({ place: `/tmp/kernelswap-check-hooks-${process.pid}` }))
vi.mock(import('../../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  return { paths: { ...paths, run: `${place}/run` as '/run/kernelswap' } }
})
vi.mock(import('../../../../src/hooks/find.ts'), async (original) => {
  const find = await original()
  const options = { roots: [`${place}/hooks.d`], owner: process.getuid!() }
  return { ...find, listHooks: (folders) => find.listHooks(folders, options) }
})

vi.setConfig({ testTimeout: 30_000 })
afterEach(() => rm(place, { recursive: true, force: true }))

/** Hooks of a plan run in groups of their own: Ctrl-C on the terminal reaches us alone. */
test('a plan that is interrupted leaves no hook running, and nothing that hooks have printed', async () => {
  mkdirSync(join(place, 'hooks.d/all'), { recursive: true, mode: 0o755 })
  const hook = `#!/bin/sh\necho $$ > ${place}/pid.$KERNELSWAP_UNIT; exec sleep 1000\n`
  writeFileSync(join(place, 'hooks.d/all/05-own'), hook, { mode: 0o755 })
  const units = ['a.service', 'b.service']
  const plan = planWith({ workloads: units.map((unit) => workloadWith({ unit })) })
  const controller = new AbortController()
  const told: SwapEvent[] = []
  const asked = checkHooks(plan, (event) => told.push(event), controller.signal)
  await vi.waitFor(() => {
    for (const unit of units) expect(existsSync(join(place, `pid.${unit}`))).toBe(true)
  }, 20_000)
  expect(told).toContainEqual({ kind: 'unit', step: 'hooks check', unit: 'b.service', number: 2, of: 2 })
  controller.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
  expect(readdirSync(join(place, 'run'))).toEqual([])
  for (const unit of units) {
    const pid = Number(readFileSync(join(place, `pid.${unit}`), 'utf8'))
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 30_000)
  }
})
