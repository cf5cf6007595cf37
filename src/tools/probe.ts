import { PassThrough } from 'node:stream'
import { messageOf } from '../errors.ts'
import { attempt, type Ended } from '../host/local.ts'
import { probeScript } from './probe-script.ts'

/** What to ask; every list may be empty. */
export interface ProbeQuestions {
  readonly threads: readonly { readonly tid: number; readonly pid: number }[]
  /** Descriptors of pipes. */
  readonly pipes: readonly ProbedFd[]
  readonly sockets: readonly ProbedFd[]
  /** Descriptors of regular files without a name, whose seals are asked. */
  readonly memfds: readonly ProbedFd[]
  readonly terminals: readonly ProbedFd[]
  /** Groups of descriptors that may be one open file description. */
  readonly shared: readonly (readonly ProbedFd[])[]
  /** Processes whose own pages are looked for, below an address (hexadecimal). */
  readonly pages: readonly { readonly pid: number; readonly end: string }[]
  /** Mapped areas (`START-END` as in /proc/PID/map_files) and the part of their files, whose holes are left out. */
  readonly data: readonly {
    readonly pid: number
    readonly area: string
    readonly from: string
    readonly to: string
  }[]
  /** Processes whose UTS and IPC namespaces are looked into. */
  readonly views: readonly number[]
  /** Fetch the bytes that wait in pipes and sockets, and what only ptrace(2) shows of each thread. */
  readonly strict: boolean
}

export interface ProbedFd {
  readonly pid: number
  readonly fd: number
}

/** Answers by subject (`robust 123`, `pipe 123 4`); each a record of texts, or the reason why there is none. */
export type ProbeAnswers = ReadonlyMap<string, Readonly<Record<string, string>> | string>

export interface Probed {
  readonly answers: ProbeAnswers
  /** Why there are no more of them. */
  readonly failure?: string
}

/** A probe that is up and waits for its questions. */
export interface Probe {
  /** Once only, and not after `dismiss`; the probe ends with it. Never rejects. */
  ask(questions: ProbeQuestions): Promise<Probed>
  /** Ends one that nobody asks any more. May be called again, and after `ask`. */
  dismiss(): void
}

/**
 * Starts what asks the kernel for state that /proc doesn't show: with system calls that take another process's PID
 * (get_robust_list(2), ioprio_get(2), sched_getattr(2), kcmp(2)), and through copies of its descriptors
 * (pidfd_getfd(2): getsockopt(2), FIONREAD, F_GET_SEALS). Node can make neither kind of call; perl can, and
 * perl-base is part of every Debian. Nothing the process owns is changed: waiting bytes are copied with
 * tee(2) and MSG_PEEK. Of a connection in repair mode it chooses the queue to peek into, and then none again. In strict
 * mode, for which tasks stand still, it also has each thread ask what the kernel tells nobody else, and puts it back.
 *
 * Where perl can't be run, the probe has no answers but the reason.
 */
export async function startProbe(): Promise<Probe> {
  if (!machines.includes(process.arch)) return muteProbe(`no system call numbers for ${process.arch}`)
  const input = new PassThrough()
  let ended!: Promise<Ended>
  await new Promise<void>((resolve) => {
    const options = { input, onStderrLine: () => resolve() }
    ended = attempt('perl', ['-e', probeScript], options)
    ended.catch(() => {}).finally(resolve)
  })
  return {
    ask: async (questions) => {
      input.end(`${questionLines(questions).join('\n')}\n`)
      try {
        const { code, stdout, stderr } = await ended
        const answers = parseAnswers(stdout)
        // The first line says that it is up.
        const complaint = stderr.trim().split('\n').slice(1).at(-1) ?? ''
        return code === 0 ? { answers } : { answers, failure: `probe ended with ${code}: ${complaint}` }
      } catch (error) {
        return { answers: new Map(), failure: `probe: ${messageOf(error)}` }
      }
    },
    dismiss: () => void input.end(),
  }
}

function muteProbe(failure: string): Probe {
  return { ask: async () => ({ answers: new Map(), failure }), dismiss: () => {} }
}

/** Those whose system call numbers the probe knows. */
const machines: readonly string[] = ['x64', 'arm64'] satisfies NodeJS.Architecture[]

function questionLines(questions: ProbeQuestions): string[] {
  const fds = (verb: string, list: readonly ProbedFd[]) => list.map(({ pid, fd }) => `${verb} ${pid} ${fd}`)
  return [
    `strict ${Number(questions.strict)}`,
    ...questions.threads.map(({ tid, pid }) => `thread ${tid} ${pid}`),
    ...fds('pipe', questions.pipes),
    ...fds('socket', questions.sockets),
    ...fds('memfd', questions.memfds),
    ...fds('terminal', questions.terminals),
    ...questions.shared.map((group) => `shared ${group.map(({ pid, fd }) => `${pid}/${fd}`).join(' ')}`),
    ...questions.pages.map(({ pid, end }) => `pages ${pid} ${end}`),
    ...questions.data.map(({ pid, area, from, to }) => `data ${pid} ${area} ${from} ${to}`),
    // Last: should the way back out of a namespace fail, the probe has answered everything else.
    ...questions.views.map((pid) => `view ${pid}`),
  ]
}

/** Parses `subject\tkey=value\tkey=value` and `subject\t!reason`. */
export function parseAnswers(text: string): ProbeAnswers {
  const answers = new Map<string, Record<string, string> | string>()
  for (const line of text.split('\n')) {
    const [subject = '', ...parts] = line.split('\t')
    if (subject === '') continue
    const refused = parts.find((part) => part.startsWith('!'))
    answers.set(
      subject,
      refused === undefined
        ? Object.fromEntries(parts.map((part) => [part.split('=', 1)[0], part.slice(part.indexOf('=') + 1)]))
        : refused.slice(1),
    )
  }
  return answers
}
