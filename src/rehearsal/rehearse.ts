import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../errors.ts'
import { awaitReport as awaitReportOf, followSwap, type SwapHost } from '../remote/follow.ts'
import type { Report } from '../report/report.ts'
import type { Tell } from '../swap/event.ts'
import type { Plan } from '../swap/plan.ts'
import { type ClientReport, startClients } from './clients/index.ts'
import { type Image, KERNELS } from './image.ts'
import { installKernelswap, packageKey, prepareBy } from './installation.ts'
import type { Machine } from './machine.ts'
import type { Remote } from './remote.ts'
import { type Preparation, preparedMachine } from './snapshot.ts'

/** Debian's services in the machine, as `kernelswap plan` names them. */
export const machineUnits = [
  'redis-server.service',
  'memcached.service',
  'nginx.service',
  'postgresql@17-main.service',
] as const

/** Those of them that have to be adopted before they can be carried. */
const adopted = ['redis-server.service', 'postgresql@17-main.service']

/** Clients talk to their services for this long before the swap and after it, in milliseconds. */
const warmUp = 3000

export interface RehearseOptions {
  readonly image: Image
  /** A release as `uname -r` prints it, or one of the image's kernels by its role. */
  readonly to: string
  readonly units: readonly string[]
  /** Compare the restored tasks while they are held stopped. */
  readonly strict: boolean
  /** Gets the console, every log, and the report. */
  readonly directory: string
  /** Told what happens, the end apart. */
  readonly tell: Tell
}

/** How a swap in the machine went: its report, or the plan that refused it. */
export type Rehearsed =
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'refused'; readonly plan: Plan }

/** Swaps the kernel of a rehearsal machine under services with live clients. */
export async function rehearse(machine: Remote, options: RehearseOptions): Promise<Rehearsed> {
  const kernel = resolveKernel(options.image, options.to)
  options.tell({ kind: 'message', text: 'clients: connect' })
  const clients = await startClients(machine.address, options.units)
  let answered: ClientReport[] = []
  let swap: Rehearsed
  try {
    await sleep(warmUp)
    swap = await runRemoteSwap(
      machine,
      [...(options.strict ? ['--strict'] : []), '--kernel', kernel, ...options.units],
      options.tell,
    )
    await sleep(warmUp)
  } finally {
    answered = await clients.stop()
    await collectLogs(machine, options.directory)
  }
  if (swap.kind === 'refused') return swap
  const report = withClients(swap.report, answered)
  await writeFile(join(options.directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  return { kind: 'report', report }
}

/** Starts a machine that has kernelswap installed from the package and its services adopted. */
export async function startRehearsalMachine(
  image: Image,
  directory: string,
  say: (line: string) => void,
): Promise<Machine> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return preparedMachine({ image, directory, say, preparation: await installation() })
}

/** Turns `newest-stable` and the like into a release. */
export function resolveKernel(image: Image, to: string): string {
  const role = KERNELS.find((name) => name === to)
  return role ? image.kernels[role] : to
}

async function installation(): Promise<Preparation> {
  return { key: await packageKey(), prepare: install }
}

/** Installs kernelswap as on a real host, and makes the services carriable. */
async function install(machine: Machine): Promise<void> {
  await installKernelswap(machine)
  for (const unit of adopted) await prepareBy(machine, 'kernelswap', ['adopt', '--now', unit])
}

/**
 * Runs `kernelswap run` in the machine, follows it over the jump, and brings back the report.
 * @param limitSeconds for a host that leaves the machine little: for how long nothing new may be seen of it
 */
export async function runRemoteSwap(
  machine: Remote,
  args: readonly string[],
  tell: Tell,
  limitSeconds?: number,
): Promise<Rehearsed> {
  const verb = ['run', '--yes', ...args]
  const limit = limitSeconds === undefined ? {} : { limitSeconds }
  const followed = await followSwap(hostOf(machine), verb, tell, limit)
  if (followed.kind === 'rebooted') throw new Failure('failed', 'the machine rebooted instead of a swap')
  if (followed.kind === 'report') return followed
  const { conclusion, failure, code } = followed
  if (conclusion?.kind === 'plan') return { kind: 'refused', plan: conclusion.plan }
  if (conclusion?.kind === 'report') return { kind: 'report', report: conclusion.report }
  throw new Failure('failed', `kernelswap in the machine failed: ${failure ?? `exit code ${code}`}`)
}

function hostOf(machine: Remote): SwapHost {
  return {
    name: 'the rehearsal machine',
    run: async (program, args, options) => (await machine.ssh()).run(program, args, options),
  }
}

/** Waits until the latest swap in the machine has a report, over any number of boots. */
export async function awaitReport(machine: Remote): Promise<Report> {
  return awaitReportOf(hostOf(machine))
}

/** The machine may say `swapped` and a client still have lost its connection: that is no success. */
function withClients(report: Report, clients: readonly ClientReport[]): Report {
  const harmed = clients.filter(
    (client) => !client.connectionSurvived || client.errors + client.lost + client.doubled > 0,
  )
  if (harmed.length === 0) return { ...report, clients: [...clients] }
  const told = harmed.map(
    ({ service, problem }) => `The client of ${service} was harmed: ${problem ?? 'no answer'}.`,
  )
  const verdict = report.verdict === 'swapped' ? 'degraded' : report.verdict
  return {
    ...report,
    verdict,
    reason: [report.reason, ...told].filter(Boolean).join(' '),
    clients: [...clients],
  }
}

/** Keeps the machine's own logs: its journal, and each swap's directory without the images. */
export async function collectLogs(machine: Remote, directory: string): Promise<void> {
  try {
    const ssh = await machine.ssh(30)
    const journal = await ssh.run('journalctl', ['--no-pager', '--output=short-precise'], {
      timeoutSeconds: 120,
    })
    await writeFile(join(directory, 'journal.log'), journal.stdout)
    const swaps = [
      '--directory=/var/lib',
      '--exclude=*.img',
      '--exclude=*.tar',
      '-czf',
      '/root/swaps.tar.gz',
      'kernelswap',
    ]
    await ssh.run('tar', swaps, { timeoutSeconds: 120 })
    await ssh.getFile('/root/swaps.tar.gz', join(directory, 'swaps.tar.gz'))
  } catch {
    // Where the machine doesn't answer any more, its console tells why.
  }
}
