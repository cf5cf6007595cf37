import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { MapArea } from '../proc/maps.ts'
import { mapFileOf } from './areas.ts'
import { stablePath } from './normalise.ts'
import { PAGE, parseRuns } from './pages.ts'
import type { TaskReader } from './readers.ts'

/** Bytes read at a time, a multiple of a page. */
const CHUNK = 1024 * 1024
const ZEROS = Buffer.alloc(PAGE)

/**
 * Digests shared areas that live in memory only: anonymous ones, SysV segments, memory files, /dev/shm. They
 * are read as the files that the kernel keeps behind them (/proc/PID/map_files), and only where these hold data: that
 * leaves holes holes, and programs reserve terabytes and use little of it.
 */
export function digestSharedMemory(task: TaskReader): Readonly<Record<string, string>> {
  return Object.fromEntries(
    sharedInMemory(task).map((area) => [`${area.start} ${stablePath(area.name)}`, digest(task, area)]),
  )
}

/** Shared areas that live in memory only, of which no task before this one maps the same part. */
export function sharedInMemory(task: TaskReader): readonly MapArea[] {
  return task.areas.filter((area) => isInMemory(area) && task.workload.isFirstToMap(task, area))
}

function isInMemory({ permissions, name }: MapArea): boolean {
  return permissions.endsWith('s') && /^\/(dev\/zero \(deleted\)|SYSV|memfd:|dev\/shm\/)/.test(name)
}

/** A page of zeros is as good as a hole, which is what a restore may make of it. */
function digest(task: TaskReader, area: MapArea): string {
  const file = openSync(`${task.proc.path}/map_files/${mapFileOf(area)}`, 'r')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(CHUNK)
    const offset = Number(BigInt(`0x${area.offset}`))
    for (const { from, to } of parseRuns(task.probedData(area).runs ?? '')) {
      for (let at = from; at < to; ) {
        task.workload.deadline?.check()
        const count = readSync(file, buffer, 0, Math.min(CHUNK, to - at), at)
        if (count === 0) break
        for (let page = 0; page < count; page += PAGE) {
          const content = buffer.subarray(page, Math.min(page + PAGE, count))
          if (!content.equals(ZEROS.subarray(0, content.length)))
            hash.update(`${at + page - offset} `).update(content)
        }
        at += count
      }
    }
    return hash.digest('hex').slice(0, 32)
  } finally {
    closeSync(file)
  }
}
