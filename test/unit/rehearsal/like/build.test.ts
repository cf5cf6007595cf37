import { expect, test } from 'vitest'
import { ProgramError } from '../../../../src/host/local.ts'
import type { Connection } from '../../../../src/host/ssh-connection.ts'
import { startUnits } from '../../../../src/rehearsal/like/build.ts'

const done = { code: 0, stdout: '', stderr: '' }

/** Starts a unit in a machine where `systemctl start` ends with an error. */
function startWith(error: Error): Promise<void> {
  const run: Connection['run'] = async (_, [verb]) => {
    if (verb === 'start') throw error
    return done
  }
  const machine = { address: '10.0.0.1', ssh: async () => ({ run }) as Connection }
  return startUnits(machine, { units: [{ name: 'slow.service', package: null }] })
}

test('a unit that is slow to start ends no rehearsal; a machine that is lost does', async () => {
  const slow = new ProgramError('systemctl', ['start', 'slow.service'], done, 'still running after 600 s')
  await expect(startWith(slow)).resolves.toBeUndefined()
  await expect(startWith(new Error('the connection was lost'))).rejects.toThrow('was lost')
})
