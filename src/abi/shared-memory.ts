import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { MapArea } from '../proc/maps.ts'
import { rangeOf } from './areas.ts'
import { stablePath } from './normalise.ts'
import type { TaskReader } from './task.ts'

const CHUNK = 1024 * 1024
const ZEROS = Buffer.alloc(CHUNK)

/**
 * Digests shared areas that live in memory only: anonymous ones, SysV segments, memory files, /dev/shm. They
 * are read as the files that the kernel keeps behind them (/proc/PID/map_files), which leaves holes holes.
 */
export function digestSharedMemory(task: TaskReader): Readonly<Record<string, string>> {
  return Object.fromEntries(
    task.areas
      .filter((area) => isInMemory(area) && task.workload.isFirstToMap(task, area))
      .map((area) => [`${area.start} ${stablePath(area.name)}`, digest(task, area)]),
  )
}

function isInMemory({ permissions, name }: MapArea): boolean {
  return permissions.endsWith('s') && /^\/(dev\/zero \(deleted\)|SYSV|memfd:|dev\/shm\/)/.test(name)
}

function digest(task: TaskReader, area: MapArea): string {
  const { start, end } = rangeOf(area)
  const file = openSync(`${task.proc.path}/map_files/${area.start}-${area.end}`, 'r')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(CHUNK)
    const offset = Number(BigInt(`0x${area.offset}`))
    const length = Number(end - start)
    for (let done = 0; done < length; ) {
      const count = readSync(file, buffer, 0, Math.min(CHUNK, length - done), offset + done)
      if (count === 0) break
      if (!buffer.subarray(0, count).equals(ZEROS.subarray(0, count))) {
        hash.update(`${done}`).update(buffer.subarray(0, count))
      }
      done += count
    }
    return hash.digest('hex').slice(0, 32)
  } finally {
    closeSync(file)
  }
}
