import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { idsOf } from '../../../src/workload/ids.ts'

/** Threads take numbers as processes do, and a group or a session keeps its leader's when that is gone. */
const script = `
import os, sys, threading, time
if os.fork():
    os._exit(0)
os.setsid()
leader = os.getpid()
if os.fork():
    os._exit(0)
t = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
t.start()
print(os.getpid(), t.native_id, leader, flush=True)
time.sleep(1000)`

test('the numbers of threads count, and of a group and session whose leader is gone', async () => {
  const child = spawn('python3', ['-c', script])
  // A line, as Python may write each of its words alone (PYTHONUNBUFFERED).
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const [pid, thread, leader] = line.split(' ').map(Number)
  try {
    expect(new Set(idsOf([pid!]))).toEqual(new Set([pid!, thread!, leader!]))
  } finally {
    process.kill(pid!, 'SIGKILL')
  }
})

test('a process that has ended needs none', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  expect(idsOf([ended.pid!])).toEqual([])
})
