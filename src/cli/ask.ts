import { openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { Failure } from '../errors.ts'
import { standardError } from '../printer.ts'

/**
 * Asks for a secret on the terminal that we were started from, whatever our input and output are; it isn't shown.
 * @throws Failure 'permission' where there is none, 'failed' for Ctrl-C or Ctrl-D.
 */
export async function askSecret(prompt: string): Promise<string> {
  const terminal = openTerminal(prompt)
  const shown = new ReadStream(terminal)
  // What readline would echo.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: shown, output: nowhere, terminal: true })
  standardError.prompt(prompt)
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => reject(new Failure('failed', 'Nothing was done.')))
      lines.once('SIGINT', () => lines.close())
    })
  } finally {
    lines.close()
    shown.destroy()
    standardError.line('')
  }
}

function openTerminal(prompt: string): number {
  try {
    return openSync('/dev/tty', 'r+')
  } catch (error) {
    throw new Failure(
      'permission',
      `There is no terminal to ask for the ${prompt.replace(/^P/, 'p').replace(/: $/, '')} on; use ssh-agent, or a login that needs none.`,
      { cause: error },
    )
  }
}
