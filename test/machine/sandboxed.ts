import { Failure, messageOf } from '../../src/errors.ts'
import { ensureImage } from '../../src/rehearsal/image.ts'
import { ensureHostPackages } from '../../src/rehearsal/requirements.ts'
import { runInSandbox } from '../../src/rehearsal/sandbox.ts'

// Runs the given program in a sandbox. Nothing in there reaches the internet: what needs it comes first.
const say = (line: string) => void process.stderr.write(`${line}\n`)
const [program, ...args] = process.argv.slice(2)
try {
  if (program === undefined) throw new Failure('usage', 'no program was named to run in the sandbox')
  await ensureHostPackages(say)
  await ensureImage(say)
  process.exitCode = await runInSandbox(program, args)
} catch (error) {
  say(messageOf(error))
  process.exitCode = error instanceof Failure && error.kind === 'permission' ? 77 : 1
}
