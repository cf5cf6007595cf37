import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { attempt, MissingProgram, type ProgramError, run } from '../../../src/host/local.ts'

/** Whoever reads it should be able to mend it, not know what ENOENT is. */
test.each([
  ['nft', 'nft: it is not installed; apt install nftables'],
  ['/usr/sbin/no/criu', '/usr/sbin/no/criu: it is not installed; apt install criu'],
  ['no-such-program', 'no-such-program: it is not installed; install it'],
])('%s that is missing is told with its package', async (program, message) => {
  const started = attempt(program, ['-j'], { env: { PATH: '/nowhere' } })
  await expect(started).rejects.toMatchObject({ message, ended: { code: 127 } })
  await expect(started).rejects.toBeInstanceOf(MissingProgram)
})

test('a directory that is missing is not taken for a program that is', async () => {
  await expect(run('true', [], { cwd: '/nowhere' })).rejects.not.toBeInstanceOf(MissingProgram)
})

test('a script that fails is told in one line', async () => {
  await expect(run('sh', ['-c', 'true\n  exit 3'])).rejects.toThrow(/^sh -c true exit 3: exit code 3$/)
})

/** CRIU that is killed may have children by then, which keep its output open for ever. */
test('what a killed program leaves in its own session does not keep whoever waits for it', async () => {
  const ended = attempt('sh', ['-c', 'sleep 1000 & echo $!; kill -KILL $$'], { ownSession: true })
  const { ended: how } = await ended.then(
    () => expect.unreachable(),
    (error: ProgramError) => error,
  )
  const isThere = () => existsSync(`/proc/${how.stdout.trim()}/cwd`)
  await expect.poll(isThere).toBe(false)
})
