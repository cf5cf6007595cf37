import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { hostNamespace } from '../host-namespace.ts'
import type { TaskReader } from '../readers.ts'

const KINDS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'pid_for_children', 'user', 'uts'] as const

/** Namespaces get new numbers on a new kernel: what counts is who shares one with the host, and with whom else. */
export const namespaces = facet<Readonly<Record<string, string>>>({
  name: 'namespaces',
  title: 'namespaces: the host’s, or shared with which task',
  manual: 'namespaces(7)',
  scope: 'task',
  read: (task) => Object.fromEntries(KINDS.map((kind) => [kind, membership(task, kind)])),
  compare: byKey(),
})

function membership(task: TaskReader, kind: (typeof KINDS)[number]): string {
  const own = task.proc.link(`ns/${kind}`)
  const host = kind === 'pid_for_children' ? 'pid' : kind
  if (own === hostNamespace(host)) return 'host'
  const first = task.workload.tasks.find((other) => other.proc.link(`ns/${kind}`) === own)
  return `with ${first?.pid ?? task.pid}`
}
