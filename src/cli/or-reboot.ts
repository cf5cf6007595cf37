import { loadConfiguration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'
import { takeFleetLock } from '../swap/announce/fleet-lock.ts'
import { reboot } from '../tools/systemd.ts'
import type { Output } from './output.ts'
import type { Stayed } from './swap-kernel.ts'

/**
 * Reboots where a swap is refused or aborted: one of the two is what was asked for, so this ends well once it is under way.
 * @throws what `swap` throws where a reboot doesn't answer it (busy, a lock that others hold, a mistake in the
 *   configuration), and where the host can't be rebooted.
 */
export async function swapOrReboot(swap: () => Promise<Stayed>, output: Output): Promise<void> {
  try {
    await swap()
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused') throw error
    output.say(error.message)
  }
  await takeFleetLock((await loadConfiguration())['fleet-lock'])
  output.say('rebooting instead')
  await reboot()
  process.exitCode = 0
}
