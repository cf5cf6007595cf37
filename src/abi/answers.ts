import { readlinkSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import type { Descriptor } from '../proc/descriptors.ts'
import { safely } from '../proc/directory.ts'
import { parseView } from '../tools/namespace-view.ts'
import { type Probe, type Probed, type ProbedFd, type ProbeQuestions, startProbe } from '../tools/probe.ts'
import { type SocketRow, socketRows } from '../tools/ss.ts'
import { isSpecial, mapFileOf, rangeOf } from './areas.ts'
import type { Answers, TaskReader, WorkloadReader } from './readers.ts'
import { sharedInMemory } from './shared-memory.ts'
import { Unreadable } from './types.ts'

/**
 * Runs the programs whose answers facets need, once for all of these workloads, since they stand still
 * meanwhile: one probe, and ss once for each network namespace.
 * @param probe one that is up already, so that nobody waits for its start; otherwise ss runs meanwhile
 */
export async function answersTo(
  workloads: readonly WorkloadReader[],
  probe: Probe | Promise<Probe> = startProbe(),
): Promise<Answers> {
  const tasks = workloads.flatMap((workload) => workload.tasks)
  const viewers = findViewers(tasks)
  const [{ answers, failure }, sockets] = await Promise.all([
    askProbe(probe, workloads, [...viewers.values()]),
    askSockets(tasks),
  ])
  const probed = (subject: string) => {
    const answer = answers.get(subject)
    if (answer === undefined && failure !== undefined) throw new Unreadable(failure)
    if (typeof answer === 'string') throw new Unreadable(answer)
    return answer
  }
  return {
    socket: (inode) => answered(sockets, inode),
    probed,
    isGone(subject) {
      const answer = answers.get(subject)
      return typeof answer === 'string' && /Bad file descriptor|No such process/.test(answer)
    },
    viewOf(task) {
      const viewer = viewers.get(viewKey(task))
      if (viewer === undefined) return task.workload.host.view
      const answer = probed(`view ${viewer}`)
      if (!answer) throw new Unreadable('nobody looked into its namespaces')
      return parseView(answer)
    },
  }
}

type Found<K, V> = ReadonlyMap<K, V> | { readonly failure: string }

function answered<K, V>(found: Found<K, V>, key: K): V | undefined {
  if ('failure' in found) throw new Unreadable(found.failure)
  return found.get(key)
}

async function askProbe(
  starting: Probe | Promise<Probe>,
  workloads: readonly WorkloadReader[],
  views: readonly number[],
): Promise<Probed> {
  const probe = await starting
  const strict = workloads.some((workload) => workload.strict)
  const tasks = workloads.flatMap((workload) => workload.tasks)
  const select = (wanted: (task: TaskReader) => readonly Descriptor[]): ProbedFd[] =>
    tasks.flatMap((task) => safely(() => wanted(task)).map(({ fd }) => ({ pid: task.pid, fd })))
  return probe.ask({
    threads: tasks.flatMap((task) => safely(() => task.threads).map(({ tid }) => ({ tid, pid: task.pid }))),
    pipes: select((task) => task.workload.firstHeld(task, 'pipe')),
    sockets: select((task) => task.workload.firstHeld(task, 'socket')),
    memfds: select((task) => task.descriptorsOf('memfd')),
    terminals: select((task) => task.terminals),
    shared: workloads.flatMap(sharedCandidates),
    ...questionsOfMemory(strict ? tasks : []),
    views,
    strict,
  })
}

/** Where memory holds anything, which is asked before its bytes are read. */
function questionsOfMemory(tasks: readonly TaskReader[]): Pick<ProbeQuestions, 'pages' | 'data'> {
  return {
    pages: tasks.flatMap((task) =>
      // The last area that is a program's: a kernel's own may lie beyond what a program may name.
      safely(() => task.areas.filter((area) => !isSpecial(area)).slice(-1)).map(({ end }) => ({
        pid: task.pid,
        end,
      })),
    ),
    data: tasks.flatMap((task) =>
      safely(() => sharedInMemory(task)).map((area) => {
        const { start, end } = rangeOf(area)
        const to = BigInt(`0x${area.offset}`) + end - start
        return { pid: task.pid, area: mapFileOf(area), from: area.offset, to: to.toString(16) }
      }),
    ),
  }
}

/**
 * Descriptors of one file, and so perhaps of one open file description that several tasks or numbers share. What
 * belongs to the description, such as its position, can't tell them apart: it moves between two looks at it.
 */
function sharedCandidates({ tasks }: WorkloadReader): readonly ProbedFd[][] {
  const groups = new Map<string, ProbedFd[]>()
  for (const task of tasks) {
    for (const { fd, inode, mountId } of safely(() => task.descriptors)) {
      const key = `${inode} ${mountId}`
      const group = groups.get(key)
      if (group) group.push({ pid: task.pid, fd })
      else groups.set(key, [{ pid: task.pid, fd }])
    }
  }
  return [...groups.values()].filter((group) => group.length > 1)
}

async function askSockets(tasks: readonly TaskReader[]): Promise<Found<number, SocketRow>> {
  const wanted = new Set(
    tasks.flatMap((task) => safely(() => task.descriptorsOf('socket'))).map(({ inode }) => inode),
  )
  if (wanted.size === 0) return new Map()
  const own = readlinkSync('/proc/self/ns/net')
  // Our own as well: a descriptor may come from outside its holder's namespace, as with socket activation.
  const namespaces = new Map<string, string | undefined>([[own, undefined]])
  for (const task of tasks) {
    for (const namespace of safely(() => [task.proc.link('ns/net')])) {
      if (!namespaces.has(namespace)) namespaces.set(namespace, `/proc/${task.pid}/ns/net`)
    }
  }
  try {
    const lists = await Promise.all([...namespaces.values()].map((path) => socketRows(path)))
    return new Map(
      lists
        .flat()
        .filter(({ inode }) => wanted.has(inode))
        .map((row) => [row.inode, row]),
    )
  } catch (error) {
    return { failure: messageOf(error) }
  }
}

/** A process in each pair of UTS and IPC namespaces that isn't ours. */
function findViewers(tasks: readonly TaskReader[]): ReadonlyMap<string, number> {
  const own = `${readlinkSync('/proc/self/ns/uts')} ${readlinkSync('/proc/self/ns/ipc')}`
  const viewers = new Map(tasks.flatMap((task) => safely(() => [[viewKey(task), task.pid] as const])))
  viewers.delete(own)
  return viewers
}

function viewKey(task: TaskReader): string {
  return `${task.proc.link('ns/uts')} ${task.proc.link('ns/ipc')}`
}
