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
/** A line that no table and no host name holds. */
const SEPARATOR = '----'

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
  const script = `uname -n; for table in ${TABLES.join(' ')}; do echo ${SEPARATOR}; cat /proc/sysvipc/$table; done`
  const { stdout } = await run('nsenter', [`--target=${pid}`, '--uts', '--ipc', '--', 'sh', '-c', script])
  const [name = '', shm = '', sem = '', msg = ''] = stdout.split(`${SEPARATOR}\n`)
  return { hostname: name.trim(), shm, sem, msg }
}
