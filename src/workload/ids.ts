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

/** The session of a process that doesn't lead it, since who made it has gone; undefined for its leader, or one that has ended. */
export function foreignSession(pid: number): number | undefined {
  try {
    const { session } = parsePidStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return session === pid ? undefined : session
  } catch (error) {
    return ifEnded(undefined)(error)
  }
}
