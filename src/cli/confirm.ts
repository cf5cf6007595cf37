import { createInterface } from 'node:readline/promises'
import { Failure } from '../errors.ts'

/**
 * Asks a question that only `y` or `yes` agrees to.
 * @throws Failure 'usage' where there is no terminal to ask on, 'failed' for any other answer.
 */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure('usage', 'There is no terminal to ask on; add --yes to go on without a question.')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('failed', 'Nothing was done.')
  } finally {
    terminal.close()
  }
}
