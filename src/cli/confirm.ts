import { createInterface } from 'node:readline'
import { Failure } from '../errors.ts'
import { standardError } from '../printer.ts'
import type { Output } from './output.ts'

/** The same, told to whoever follows events as well. */
export function agree(
  question: string,
  output: Output,
  ...rest: [before?: readonly string[], signal?: AbortSignal]
): Promise<void> {
  output.tell({ kind: 'question', text: question })
  return confirm(question, ...rest)
}

/**
 * Asks a question that only `y` or `yes` agrees to.
 * @param before what to know first, line by line
 * @param signal ends the question
 * @throws Failure 'usage' where there is no terminal to ask on, 'failed' for any other answer; what the signal was aborted with.
 */
export async function confirm(
  question: string,
  before: readonly string[] = [],
  signal?: AbortSignal,
): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure('usage', 'There is no terminal to ask on; add --yes to go on without a question.')
  standardError.lines(before)
  standardError.prompt(`${question} [y/N] `)
  const lines = createInterface({ input: process.stdin, ...(signal ? { signal } : {}) })
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve)
    // Ctrl-D.
    lines.once('close', () => resolve(''))
  })
  lines.close()
  signal?.throwIfAborted()
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('failed', 'Nothing was done.')
}
