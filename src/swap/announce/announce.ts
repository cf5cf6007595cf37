import { join } from 'node:path'
import { writeDurably } from '../../durable.ts'
import { Failure, messageOf } from '../../errors.ts'
import { whyUnsafe } from '../../hooks/permission.ts'
import { startProblem } from '../../hooks/start.ts'
import { runGroup } from '../../host/group.ts'
import { standardError } from '../../printer.ts'
import { reportHtml } from '../../report/html/page.ts'
import { metricsText } from '../../report/metrics.ts'
import type { Report } from '../../report/report.ts'
import { isGood } from '../journal.ts'
import type { Plan } from '../plan.ts'
import { pastOutages } from '../report/history.ts'
import type { Swap } from '../store.ts'
import { tellVerdict } from './messages.ts'
import { restoreRebootRequest } from './reboot-required.ts'

/** Seconds that a notification command may take: it speaks to another host, and the verdict is on disk before. */
const commandSeconds = 60
/** Of what it says its last line is told. */
const outputBytes = 64 * 1024

/**
 * Tells those who watch of a verdict that is on disk. What fails here is told and changes nothing: the swap is over.
 */
export async function announce({ directory, plan }: Swap, report: Report): Promise<void> {
  const { onSuccess, onFailure, metricsFile } = plan.announce ?? {}
  await orTell('the journal', tellVerdict(report))
  await orTell('/run/reboot-required', restoreRebootRequest(directory, report.verdict))
  if (metricsFile)
    await orTell(metricsFile, writeDurably(metricsFile, metricsText(report, Date.now() / 1000), 0o644))
  const command = isGood(report.verdict) ? onSuccess : onFailure
  if (!command) return
  const file = join(directory, 'report.html')
  await orTell(file, writePage(file, report))
  await orTell(command[0], notify(command, report, file))
}

async function writePage(file: string, report: Report): Promise<void> {
  await writeDurably(file, reportHtml(report, { history: await pastOutages() }))
}

async function orTell(whom: string, told: Promise<void>): Promise<void> {
  await told.catch((error: unknown) => standardError.line(`${whom} could not be told: ${messageOf(error)}`))
}

/**
 * Runs a notification command with the report on its standard input, and the name of it as an HTML file in its environment.
 * @throws Failure 'refused' for a program that others than root could change: it runs as root; 'failed' where it fails.
 */
export async function notify(
  [program, ...args]: NonNullable<NonNullable<Plan['announce']>['onSuccess']>,
  report: Report,
  file = '',
): Promise<void> {
  const why = whyUnsafe(program)
  if (why !== undefined) throw new Failure('refused', `It was not run: ${why}.`)
  const ended = await runGroup(program, args, {
    ...{ input: `${JSON.stringify(report)}\n`, timeoutSeconds: commandSeconds, cwd: '/', outputBytes },
    env: { ...(process.env as Record<string, string>), LC_ALL: 'C', KERNELSWAP_REPORT_HTML: file },
    // A child that keeps our pipes must not keep us.
    sparesChildren: true,
  })
  const said = ended.failure
    ? await startProblem(program, ended.failure)
    : ended.stderr.trim().split('\n').at(-1)
  if (ended.timedOut)
    throw new Failure('failed', `It was still running after ${commandSeconds} s, and was ended.`)
  if (ended.code !== 0)
    throw new Failure('failed', said || `It ended by ${ended.signal ?? `exit code ${ended.code}`}.`)
}
