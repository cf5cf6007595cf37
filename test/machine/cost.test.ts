import { expect, test } from 'vitest'
import { awaitReport } from '../../src/rehearsal/rehearse.ts'
import { inShell, startSwap, withMachine } from './support.ts'

/** Pairs of freezes that are compared. `npm run test:cost` asks for three, and counts instructions. */
const pairs = Number(process.env.KERNELSWAP_PAIRS ?? 0)
/** What the ABI snapshot may add to the freeze outside strict mode. */
const most = 0.15
const mask = '/etc/kernelswap/hooks.d/all/00-abi'

/**
 * Protects the services' pause: with and without ABI verification in turn, each swap up to the jump, where it is ended
 * and taken back. The steps of one freeze don't tell, since checkpoints are hashed beside them.
 */
test.runIf(pairs > 0)('the snapshot adds little to the freeze', { timeout: pairs * 3_000_000 }, () =>
  withMachine('cost', async (machine) => {
    await inShell(machine, `mkdir -p $(dirname ${mask})`)
    const seconds = { with: [] as number[], without: [] as number[] }
    const freeze = async (): Promise<number> => {
      await startSwap(machine, ['--setenv=KERNELSWAP_FAILPOINT=step:jump=kill'])
      await expect
        .poll(() => inShell(machine, 'ls /var/lib/kernelswap'), { timeout: 1_200_000, interval: 3000 })
        .toContain('pending')
      const report = await awaitReport(machine)
      expect(report.verdict, report.reason ?? '').toBe('aborted')
      await inShell(
        machine,
        'while systemctl list-units --no-legend --state=active,activating,deactivating swap.service kernelswap-swap.service | grep -q .; do sleep 0.5; done',
      )
      return report.freeze.reduce((sum, step) => sum + step.seconds, 0)
    }
    for (let pair = 1; pair <= pairs; pair++) {
      await inShell(machine, `rm -f ${mask}`)
      seconds.with.push(await freeze())
      await inShell(machine, `ln -s /dev/null ${mask}`)
      seconds.without.push(await freeze())
      process.stderr.write(`freeze with ${seconds.with.at(-1)} s, without ${seconds.without.at(-1)} s\n`)
    }
    const added = median(seconds.with) / median(seconds.without) - 1
    process.stdout.write(`\nthe ABI snapshot adds ${(added * 100).toFixed(1)} % to the freeze\n`)
    expect(added).toBeLessThan(most)
  }),
)

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
