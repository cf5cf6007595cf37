import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

const started: ChildProcess[] = []

/** A task that runs until `endTasks`; its PID. */
export async function startTask(): Promise<number> {
  const task = spawn('sleep', ['600'])
  started.push(task)
  await once(task, 'spawn')
  return task.pid!
}

/** Stops a task, and returns once it is. */
export async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await expect.poll(() => stateOf(pid)).toBe('stopped')
}

/** As proc_pid_status(5) has it. */
export function stateOf(pid: number): 'stopped' | 'running' {
  return /^State:\t[Tt]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? 'stopped' : 'running'
}

export function endTasks(): void {
  for (const task of started.splice(0)) task.kill('SIGKILL')
}
