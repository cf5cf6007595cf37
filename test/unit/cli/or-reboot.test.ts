import { afterEach, expect, test, vi } from 'vitest'
import { swapOrReboot } from '../../../src/cli/or-reboot.ts'
import { createOutput } from '../../../src/cli/output.ts'
import type { Stayed } from '../../../src/cli/swap-kernel.ts'
import { Failure } from '../../../src/errors.ts'
import { reboot } from '../../../src/tools/systemd.ts'
import { planWith } from '../swap/plans.ts'

vi.mock(import('../../../src/tools/systemd.ts'), async (original) => ({
  ...(await original()),
  reboot: vi.fn(),
}))

const before = process.exitCode
afterEach(() => {
  process.exitCode = before
  vi.clearAllMocks()
})

const refused: Stayed = { kind: 'refused', plan: planWith() }

/** kured and timers take any other exit code for a host that could not be rebooted. */
test.each<[string, () => Promise<Stayed>]>([
  [
    'a plan that refuses',
    async () => {
      process.exitCode = 3
      return refused
    },
  ],
  ['no newer kernel', () => Promise.reject(new Failure('refused', 'No kernel newer is installed.'))],
])('%s is answered by a reboot, which is a good end', async (_, swap) => {
  await swapOrReboot(swap, createOutput({}))
  expect(reboot).toHaveBeenCalledOnce()
  expect(process.exitCode).toBe(0)
})

test.each(['busy', 'configuration', 'failed'] as const)('no reboot answers what is %s', async (kind) => {
  const failure = new Failure(kind, 'Not now.')
  await expect(swapOrReboot(() => Promise.reject(failure), createOutput({}))).rejects.toBe(failure)
  expect(reboot).not.toHaveBeenCalled()
})

test('a host that does not reboot is told of', async () => {
  vi.mocked(reboot).mockRejectedValueOnce(new Error('no bus'))
  await expect(swapOrReboot(async () => refused, createOutput({}))).rejects.toThrow('no bus')
})
