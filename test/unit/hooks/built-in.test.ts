import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { runAbiHook } from '../../../src/hooks/built-in.ts'
import type { HookSituation } from '../../../src/hooks/types.ts'

test('ABI verification keeps to the contract of hooks', async () => {
  const child = spawn('sleep', ['1000'])
  const situation: HookSituation = {
    swap: 'swap-1',
    phase: 'freeze',
    unit: 'some.service',
    mainPid: child.pid!,
    pids: [child.pid!],
    kernels: { from: 'a', to: 'b' },
    directories: { swap: '/', output: '/' },
    strict: false,
  }
  expect(await runAbiHook('check', situation)).toMatchObject({ outcome: 'silent' })
  const { baseline } = await runAbiHook('capture', situation)
  const read = JSON.parse(JSON.stringify(baseline))
  expect(await runAbiHook('verify', situation, { baseline: read })).toMatchObject({ outcome: 'ok' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await runAbiHook('verify', situation, { baseline: read })).toMatchObject({
    outcome: 'differs',
    reason: `${child.pid} (sleep) pid: gone`,
  })
  expect(await runAbiHook('verify', situation)).toMatchObject({ outcome: 'broken' })
})
