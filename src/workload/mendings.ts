import { run } from '../host/local.ts'
import { scriptFile } from '../layout.ts'

/**
 * What CRIU may leave other than it was, in lines that the landing's `mend` reads, and has told itself: of tasks that stand
 * still, since they are put right before they run again.
 * @throws ProgramError where that can't be told
 */
export async function mendings(pids: readonly number[]): Promise<string> {
  const { stdout } = await run(scriptFile('mend'), ['--list', ...pids.map(String)], {
    timeoutSeconds: 300,
  })
  return stdout
}

/** True for lines that `mend` understands, whoever wrote them. */
export function areMendings(lines: string): boolean {
  return lines.split('\n').every((line, index, all) =>
    // The last one ends as well.
    index === all.length - 1 ? line === '' : MENDING.test(line),
  )
}

/** What, a PID, a thread or a descriptor of it, and what that was. */
const MENDING = new RegExp(
  `^(${[
    'unscaled \\d+ \\d+ yes',
    'affinity \\d+ \\d+ (all|[\\d,-]+)',
    '(io-priority|timer-slack) \\d+ \\d+ \\d+',
    '(personality|coredump-filter) \\d+ \\d+ [\\da-f]+',
    'lock-future \\d+ \\d+ (at-once|on-fault)',
    'lock-on-fault \\d+ \\d+ ([\\da-f]+-[\\da-f]+,?)+',
    '(oom-score-adj|autogroup) \\d+ \\d+ -?\\d+',
    'options \\d+ \\d+ (\\d+/\\d+/[\\da-f]+,?)+',
    'groups \\d+ \\d+ ([^\\s,/]+/[\\da-f]+/[01](/[\\da-f]+)*,?)+',
    'datagrams \\d+ \\d+ (-|([\\da-f]{2})+)(,(-|([\\da-f]{2})+))*',
    'unix-name \\d+ \\d+ ([\\da-f]{2})+',
    'unix-path \\d+ \\d+ ([\\da-f]{2})+',
    'locks \\d+ \\d+ ((READ|WRITE)/\\d+/(\\d+|EOF),?)+',
  ].join('|')})$`,
)
