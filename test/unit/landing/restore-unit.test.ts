import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Sandbox } from './sandbox.ts'

let sandbox: Sandbox
beforeEach(() => {
  sandbox = new Sandbox()
  sandbox.write('/run/kernelswap/sound/a.service', '')
  sandbox.write('/run/kernelswap/restored/.keep', '')
  sandbox.write('/swap/workloads/a.service/main-pid', '77\n')
  sandbox.write('/swap/workloads/a.service/images/restore.conf', '')
  // The room of the placeholder is this test's: nothing is unpacked into it.
  sandbox.program(
    'nsenter',
    `echo "$*" >> ${sandbox.path('/restores')}`,
    `[ -e ${sandbox.path('/restorable')} ]`,
  )
})
afterEach(() => sandbox.remove())

function restore(socket: string): number | null {
  const args = [sandbox.path('/swap/workloads/a.service')]
  const env = { MAINPID: String(process.pid), NOTIFY_SOCKET: socket }
  return sandbox.run('restore-unit', { args, env }).code
}

/** A manager that takes one message and never answers: prints it and who sent it (SCM_CREDENTIALS, unix(7)). */
const manager = `
import array, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
server.bind(sys.argv[1].replace("@", "\\0", 1))
print("up", flush=True)
message, credentials, _, _ = server.recvmsg(100, 100)
print(message.decode(), array.array("i", credentials[0][2])[0], flush=True)
`

/**
 * systemd ends everything in the unit, the restored tasks too, once this script fails. And of a sender that has ended it
 * knows the unit only if it has started it itself.
 */
test.each([
  ['a path', () => sandbox.path('/notify')],
  ['an abstract name', () => `@kernelswap-${process.pid}`],
])('a restored unit tells systemd by itself, and waits for no answer: over %s', async (_, name) => {
  sandbox.write('/restorable', '')
  const listener = spawn('python3', ['-c', manager, name()])
  const heard: string[] = []
  createInterface(listener.stdout).on('line', (line) => heard.push(line))
  await expect.poll(() => heard).toEqual(['up'])
  // The shell becomes the script, as what systemd starts does.
  const started = `echo $$ > ${sandbox.path('/started')}; exec "$0" "$@"`
  const script = sandbox.path('/usr/lib/kernelswap/restore-unit')
  const PATH = `${sandbox.path('/bin')}:${process.env.PATH}`
  execFileSync('sh', ['-c', started, script, sandbox.path('/swap/workloads/a.service')], {
    env: { ...process.env, MAINPID: String(process.pid), NOTIFY_SOCKET: name(), PATH },
    timeout: 10_000,
  })
  await expect.poll(() => heard.length).toBe(2)
  expect(heard[1]).toBe(`MAINPID=77 ${sandbox.read('/started').trim()}`)
  expect(sandbox.read('/run/kernelswap/restored/a.service')).toBe(`${process.pid}\n`)
})

test('a restored unit isn’t ended where systemd can’t be told: restore-units looks, and begins anew', () => {
  sandbox.write('/restorable', '')
  expect(restore(sandbox.path('/nobody'))).toBe(0)
  expect(sandbox.list('/run/kernelswap/restored')).toContain('a.service')
})

test('a unit that CRIU can’t restore, twice, fails, and counts as nothing', () => {
  expect(restore(sandbox.path('/nobody'))).not.toBe(0)
  expect(sandbox.read('/restores').trim().split('\n')).toHaveLength(2)
  expect(sandbox.list('/run/kernelswap/restored')).toEqual(['.keep'])
})
