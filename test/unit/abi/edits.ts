import type { Json } from '../../../src/abi/types.ts'

/** A reading that is edited, for state that can't be changed on the machine that runs the tests. */
export interface Edit {
  readonly facet: string
  readonly why: string
  readonly edit: (value: Json) => Json
}

export const edits: readonly Edit[] = [
  { facet: 'exit-signal', why: 'chosen when a process is made', edit: () => 10 },
  { facet: 'cgroup', why: 'the test owns no control group', edit: (path) => `${path}/other` },
  {
    facet: 'lsm-label',
    why: 'no security module at hand',
    edit: (labels) => ({ ...(labels as object), current: 'other' }),
  },
  {
    facet: 'id-maps',
    why: 'set once, for a new namespace',
    edit: (maps) => ({ ...(maps as object), uid_map: '0 1000 1' }),
  },
  { facet: 'memory-nodes', why: 'needs two memory nodes', edit: () => '1' },
  {
    facet: 'speculation-store-bypass',
    why: 'depends on the processor',
    edit: () => 'thread force mitigated',
  },
  { facet: 'speculation-indirect-branch', why: 'depends on the processor', edit: () => 'force disabled' },
]

/** Facets that may always differ; a difference has to be explained. */
export const mayDiffer: readonly Edit[] = [
  { facet: 'sessionid', why: '', edit: () => '9' },
  { facet: 'start-time', why: '', edit: () => 1 },
  { facet: 'time-offsets', why: '', edit: () => 'monotonic 5 0 boottime 5 0' },
  { facet: 'lock-waiters', why: '', edit: () => ['1 POSIX WRITE'] },
]
/** `tcp-counters` as well, which needs a connection: the strict comparison of a live one shows it. */
export const mayDifferWhenConnected = ['tcp-counters']
