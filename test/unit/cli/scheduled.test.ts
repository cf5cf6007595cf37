import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOutput } from '../../../src/cli/output.ts'
import { runScheduled } from '../../../src/cli/scheduled.ts'
import type { Stayed } from '../../../src/cli/swap-kernel.ts'
import type { Verdict } from '../../../src/swap/journal.ts'
import { reportWith } from '../report/reports.ts'
import { planWith } from '../swap/plans.ts'

const { place } = vi.hoisted(() => ({ place: `/tmp/kernelswap-scheduled-${process.pid}` }))
vi.mock('../../../src/paths.ts', async (original) => {
  const { paths } = await original<typeof import('../../../src/paths.ts')>()
  const own = { boot: `${place}/boot`, swaps: `${place}/swaps`, rebootRequired: `${place}/reboot-required` }
  return { paths: { ...paths, ...own } }
})

const kernel = '999.9.9-amd64'
const plan = planWith({ kernel: { from: 'old', to: kernel } })
const refused: Stayed = { kind: 'refused', plan }

beforeEach(async () => {
  await mkdir(join(place, 'boot'), { recursive: true })
  await writeFile(join(place, 'boot', `vmlinuz-${kernel}`), '')
})
afterEach(() => rm(place, { recursive: true }))

/** Which kernels it swapped to, or what it was refused for. */
async function swappedTo(): Promise<string[]> {
  const swap = vi.fn(async (_: string) => refused)
  await runScheduled(undefined, swap, createOutput({}))
  return swap.mock.calls.map(([to]) => to)
}

async function earlierSwap(id: string, to: string, verdict?: Verdict): Promise<void> {
  const directory = join(place, 'swaps', id)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'plan.json'), JSON.stringify({ ...plan, kernel: { from: 'old', to } }))
  if (verdict) await writeFile(join(directory, 'report.json'), JSON.stringify(reportWith({ id, verdict })))
}

test('the kernel that is due is swapped to', async () => {
  expect(await swappedTo()).toEqual([kernel])
})

test('without one nothing is done', async () => {
  await rm(join(place, 'boot', `vmlinuz-${kernel}`))
  expect(await swappedTo()).toEqual([])
})

test.each(['fell-back', 'degraded', 'failed'] as const)(
  'a kernel whose last swap %s waits for somebody to look',
  async (verdict) => {
    await earlierSwap('20261101030000', kernel, 'swapped')
    await earlierSwap('20261102030000', kernel, verdict)
    await expect(swappedTo()).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(
        new RegExp(`^Swap 20261102030000 to kernel ${kernel} ended as ${verdict};`),
      ),
    })
  },
)

test('an abort since then tells nothing of the kernel', async () => {
  await earlierSwap('20261101030000', kernel, 'fell-back')
  await earlierSwap('20261102030000', kernel, 'aborted')
  await expect(swappedTo()).rejects.toThrow(/Swap 20261101030000/)
})

test('a kernel that was aborted, or has gone well since, is tried; and so is one where another did badly', async () => {
  await earlierSwap('20261101030000', kernel, 'fell-back')
  await earlierSwap('20261102030000', kernel, 'swapped')
  await earlierSwap('20261103030000', kernel, 'aborted')
  await earlierSwap('20261104030000', '999.8.8-amd64', 'fell-back')
  expect(await swappedTo()).toEqual([kernel])
})
