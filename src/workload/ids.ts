import { readdirSync, readFileSync } from 'node:fs'
import { ifEnded } from '../errors.ts'
import { parsePidStat } from '../proc/pid-stat.ts'

/**
 * Every number that processes need to have again, which the kernel gives out as one kind: their own, those of their threads,
 * and those of their process group and session, whose leader may be gone (credentials(7)). None for one that has ended.
 */
export function idsOf(pids: readonly number[]): number[] {
  return [...new Set(pids.flatMap(idsOfOne))]
}

function idsOfOne(pid: number): number[] {
  try {
    const { pgrp, session } = parsePidStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return [pid, ...readdirSync(`/proc/${pid}/task`).map(Number), pgrp, session]
  } catch (error) {
    return ifEnded([])(error)
  }
}

/** The session of a process: the PID of who made it, and may have gone. Undefined where the process has ended. */
export function sessionOf(pid: number): number | undefined {
  try {
    return parsePidStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).session
  } catch (error) {
    return ifEnded(undefined)(error)
  }
}
