import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { abiHook } from '../../../src/hooks/abi-hook.ts'
import { runBuiltIn } from '../../../src/hooks/built-in.ts'
import type { BuiltInHook } from '../../../src/hooks/built-in-hook.ts'
import { HostFacts } from '../../../src/hooks/host-facts.ts'
import { httpHookWith } from '../../../src/hooks/http-hook.ts'
import { portsHook } from '../../../src/hooks/ports-hook.ts'
import type { HookResult, HookSituation, Verb } from '../../../src/hooks/types.ts'
import { unitHook } from '../../../src/hooks/unit-hook.ts'
import { type Programs, standIns, systemctlShowing } from '../programs.ts'

const unit = String.raw`redis\x2dserver@1.service`
let pids: number[] = [process.pid]
let programs: Programs | undefined
afterEach(() => {
  programs?.remove()
  programs = undefined
  pids = [process.pid]
})

/** Calls a hook as a swap would, each time with what the host shows then. */
function call(hook: BuiltInHook, verb: Verb, baseline?: HookResult['baseline']): Promise<HookResult> {
  const situation: HookSituation = {
    swap: 'swap-1',
    phase: 'freeze',
    unit,
    mainPid: pids[0]!,
    pids,
    kernels: { from: 'a', to: 'b' },
    directories: { swap: '/', output: '/' },
    strict: false,
  }
  // A baseline comes out of a file.
  const read = baseline === undefined ? undefined : JSON.parse(JSON.stringify(baseline))
  return runBuiltIn(hook, verb, situation, { facts: new HostFacts([unit]), baseline: read })
}

test('what a hook never captured makes it a broken one, not a passed one', async () => {
  programs = standIns({ systemctl: systemctlShowing('ActiveState=active') })
  for (const hook of [abiHook, unitHook, portsHook])
    expect(await call(hook, 'verify')).toMatchObject({ hook: hook.id, outcome: 'broken' })
})

test('ABI verification keeps to the contract of hooks', async () => {
  const child = spawn('sleep', ['1000'])
  pids = [child.pid!]
  expect(await call(abiHook, 'check')).toMatchObject({ outcome: 'silent' })
  const { baseline } = await call(abiHook, 'capture')
  expect(await call(abiHook, 'verify', baseline)).toMatchObject({ outcome: 'ok' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await call(abiHook, 'verify', baseline)).toMatchObject({
    outcome: 'differs',
    reason: `${child.pid} (sleep) pid: gone`,
  })
})

const slice = String.raw`/system.slice/system-redis\x2dserver.slice`

/** What systemctl shows of the unit from now on. */
function shows(changes: Record<string, string> = {}): void {
  programs?.remove()
  const properties = { ActiveState: 'active', MainPID: '7', ControlGroup: `${slice}/a`, NRestarts: '3' }
  const lines = Object.entries({ ...properties, ...changes }).map((line) => line.join('='))
  programs = standIns({ systemctl: systemctlShowing(...lines) })
}

test('a unit is as it was, or what differs is told', async () => {
  shows()
  expect(await call(unitHook, 'check')).toMatchObject({ outcome: 'ok' })
  const { baseline } = await call(unitHook, 'capture')
  expect(await call(unitHook, 'verify', baseline)).toMatchObject({ outcome: 'ok', findings: [] })
  expect(await call(unitHook, 'settled')).toMatchObject({ outcome: 'silent' })
  // A new boot counts from zero.
  shows({ NRestarts: '0' })
  expect(await call(unitHook, 'verify', baseline)).toMatchObject({ outcome: 'ok' })
  for (const [changes, message] of [
    [{ ControlGroup: `${slice}/b` }, `control group ${slice}/a is now ${slice}/b`],
    [{ MainPID: '8' }, 'main process 7 is now 8'],
    [{ ActiveState: 'failed' }, `${unit} is failed`],
    [{ NRestarts: '4' }, 'systemd restarted it 4 times'],
  ] as const) {
    shows(changes)
    expect(await call(unitHook, 'verify', baseline)).toMatchObject({
      outcome: 'differs',
      reason: message,
      findings: [{ level: 'difference', message }],
    })
  }
  shows({ ActiveState: 'failed' })
  expect(await call(unitHook, 'check')).toMatchObject({
    outcome: 'veto',
    reason: `${unit} is failed, not active`,
  })
})

test.each(['127.0.0.1', '0.0.0.0', '::'])('a port at %s answers, or what does not is told', async (host) => {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { baseline } = await call(portsHook, 'capture')
  expect(JSON.stringify(baseline)).toContain(String(port))
  expect(await call(portsHook, 'verify', baseline)).toMatchObject({ outcome: 'ok' })
  server.close()
  await once(server, 'close')
  const { outcome, reason } = await call(portsHook, 'verify', baseline)
  expect([outcome, reason]).toEqual(['differs', expect.stringContaining(`port ${port} takes no connections`)])
})

let lists: string
beforeEach(() => {
  lists = mkdtempSync(join(tmpdir(), 'kernelswap-http-'))
})
afterEach(() => rmSync(lists, { recursive: true }))

test('listed URLs answer as they did, or what changed is told; without a list nothing is said', async () => {
  const hook = httpHookWith(lists)
  expect(await call(hook, 'check')).toMatchObject({ outcome: 'silent' })
  let status = 204
  const server = createHttpServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  writeFileSync(join(lists, unit), `# the front\n${url}\n`)
  expect(await call(hook, 'check')).toMatchObject({ outcome: 'ok' })
  const { baseline } = await call(hook, 'capture')
  expect(baseline).toEqual({ [url]: 204 })
  expect(await call(hook, 'verify', baseline)).toMatchObject({ outcome: 'ok' })
  status = 500
  expect(await call(hook, 'verify', baseline)).toMatchObject({
    outcome: 'differs',
    reason: `${url}: 204 is now 500`,
  })
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  expect(await call(hook, 'check')).toMatchObject({
    outcome: 'veto',
    reason: `${url}: no answer (ECONNREFUSED)`,
  })
})
