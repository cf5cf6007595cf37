import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { run } from '../host/local.ts'

/** What a process sees of its UTS and IPC namespaces. */
export interface NamespaceView {
  readonly hostname: string
  /** Text of /proc/sysvipc/{shm,sem,msg}. */
  readonly shm: string
  readonly sem: string
  readonly msg: string
}

const TABLES = ['shm', 'sem', 'msg'] as const
/** Where a process reads its own: uts_namespaces(7), sysvipc(7). */
const FILES = ['/proc/sys/kernel/hostname', ...TABLES.map((table) => `/proc/sysvipc/${table}`)]

/**
 * Reads the host name and the System V tables as a process sees them: /proc shows those of whoever reads, so a
 * program in the process's namespaces has to (nsenter(1)).
 * @param pid a process in other namespaces; the running ones if left out
 */
export async function namespaceView(pid?: number): Promise<NamespaceView> {
  if (pid === undefined) {
    const [shm = '', sem = '', msg = ''] = TABLES.map((table) =>
      readFileSync(`/proc/sysvipc/${table}`, 'utf8'),
    )
    return { hostname: hostname(), shm, sem, msg }
  }
  // One program, since the services stand still meanwhile; each table begins with the names of its columns.
  const { stdout } = await run('nsenter', [`--target=${pid}`, '--uts', '--ipc', '--', 'cat', ...FILES])
  const [name = '', shm = '', sem = '', msg = ''] = stdout.split(/^(?= +key +)/m)
  return { hostname: name.trim(), shm, sem, msg }
}
