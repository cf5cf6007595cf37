import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { digestSharedMemory } from '../shared-memory.ts'

export const sharedMemoryBytes = facet<Readonly<Record<string, string>>>({
  name: 'shared-memory-bytes',
  title: 'bytes of shared memory without a file on disk, by digest',
  manual: 'shm_overview(7)',
  scope: 'task',
  strictOnly: true,
  read: (task) => digestSharedMemory(task),
  compare: byKey(),
})
