import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, messageOf } from '../../src/errors.ts'
import { ensureImage } from '../../src/rehearsal/image.ts'
import { ensureHostPackages } from '../../src/rehearsal/requirements.ts'
import { runInSandbox } from '../../src/rehearsal/sandbox.ts'
import { fetchForeignPackages } from './foreign-services.ts'
import { areAsked, fetchStockPackages } from './stock-services.ts'

// Runs the given program in a sandbox. Nothing in there reaches the internet: what needs it comes first.
const say = (line: string) => void process.stderr.write(`${line}\n`)
const [program, ...args] = process.argv.slice(2)
try {
  if (program === undefined) throw new Failure('usage', 'no program was named to run in the sandbox')
  await ensureHostPackages(say)
  const image = await ensureImage(say)
  if (process.env.KERNELSWAP_REMOTE === '1') await fetchOnce((folder) => fetchForeignPackages(image, folder))
  if (areAsked) await fetchOnce((folder) => fetchStockPackages(image, folder))
  process.exitCode = await runInSandbox(program, args)
} catch (error) {
  say(messageOf(error))
  process.exitCode = error instanceof Failure && error.kind === 'permission' ? 77 : 1
}

/** They stay in the cache, where tests find them again. */
async function fetchOnce(fetch: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kernelswap-packages-'))
  try {
    await fetch(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
