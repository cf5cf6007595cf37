import { Failure } from '../../src/errors.ts'
import { insideSandbox, setUpNetwork } from '../../src/rehearsal/sandbox.ts'

/** Runs once, before all tests in machines. */
export async function setup(): Promise<void> {
  if (!insideSandbox()) {
    throw new Failure(
      'usage',
      'tests in machines need a network of their own: run them with npm run test:machine',
    )
  }
  await setUpNetwork()
}
