import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const script = new URL('../../../src/landing/static/in-session', import.meta.url).pathname
const inSession = (number: number, ...program: string[]) =>
  spawnSync(script, [String(number), ...program], { encoding: 'utf8' })

/** A number that was a process's a moment ago, and is nobody's now. */
function freeNumber(): number {
  return spawnSync('true').pid
}

const isRoot = process.getuid?.() === 0

/** CRIU gives the tasks of a daemon that leads no session the session of whoever restores them. */
test.runIf(isRoot)(
  'a program runs in a session and a group of the chosen number, and does not lead it',
  () => {
    const number = freeNumber()
    const ended = inSession(number, 'sh', '-c', 'echo $$; cut --delimiter=" " --fields=5,6 /proc/$$/stat')
    expect(ended.stderr).toBe('')
    const [pid, ids] = ended.stdout.trim().split('\n')
    expect(ids).toBe(`${number} ${number}`)
    expect(pid).not.toBe(String(number))
  },
)

test.runIf(isRoot)('it ends as the program does', () => {
  expect(inSession(freeNumber(), 'sh', '-c', 'exit 7').status).toBe(7)
  expect(inSession(freeNumber(), 'sh', '-c', 'kill -KILL $$').status).toBe(137)
  expect(inSession(freeNumber(), '/no/such/program').status).toBe(127)
})

test.runIf(isRoot)('a number that is taken is told, and nothing runs', () => {
  const ended = inSession(process.pid, 'echo', 'ran')
  expect(ended.status).not.toBe(0)
  expect(ended.stdout).toBe('')
  expect(ended.stderr).toContain(`there can be no process ${process.pid}`)
})
