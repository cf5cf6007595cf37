import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { readProcess } from '../../../src/workload/process.ts'

/** Redis opens /proc/self/stat every second: a service that does was refused now and then, as if it had ended. */
test('a process that opens and closes files all the time is read all the same', async () => {
  const script = 'while :; do exec 9< /proc/self/stat 9<&-; done'
  const busy = spawn('sh', ['-c', script], { stdio: 'ignore' })
  try {
    for (let round = 0; round < 100; round += 1) {
      const files = (await readProcess(busy.pid!))?.files.map(({ fd }) => fd)
      expect(files).toEqual(expect.arrayContaining([0, 1, 2]))
    }
  } finally {
    busy.kill('SIGKILL')
    await once(busy, 'exit')
  }
})

test('a process that has ended is nothing', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  expect(await readProcess(ended.pid!)).toBeUndefined()
})
