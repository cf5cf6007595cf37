import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** What a process sees of its UTS and IPC namespaces. */
export interface NamespaceView {
  readonly hostname: string
  /** Text of /proc/sysvipc/{shm,sem,msg}. */
  readonly shm: string
  readonly sem: string
  readonly msg: string
}

/** What we see ourselves: /proc shows the host name and the System V tables of whoever reads. */
export function ownView(): NamespaceView {
  const table = (name: string) => readFileSync(`/proc/sysvipc/${name}`, 'utf8')
  return { hostname: hostname(), shm: table('shm'), sem: table('sem'), msg: table('msg') }
}

/** Reads what the probe saw in the namespaces of another process, in hexadecimal. */
export function parseView(answer: Readonly<Record<string, string>>): NamespaceView {
  const text = (name: string) => Buffer.from(answer[name] ?? '', 'hex').toString()
  return { hostname: text('hostname').trim(), shm: text('shm'), sem: text('sem'), msg: text('msg') }
}
