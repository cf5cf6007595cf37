import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ifMissing } from '../errors.ts'
import { paths } from '../paths.ts'
import { serviceName, timerName } from '../schedule/units.ts'
import { showUnit } from '../tools/systemd.ts'
import type { ShownSchedule } from './documents.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap schedule show`: when, and how it went last. */
export function scheduleShowCommand(): Command {
  return new Verb('show')
    .summary('show the schedule, its next time and how the last one went')
    .option('--json', 'print one JSON document', false)
    .action(async ({ json }: { json: boolean }) => {
      const output = createOutput({ json })
      requireRoot()
      requireSystemd()
      const shown = await readSchedule()
      output.result(shown ?? null, shown ? scheduleText(shown) : ['nothing is scheduled'])
    })
}

async function readSchedule(): Promise<ShownSchedule | undefined> {
  const timerText = await readFile(join(paths.units, timerName), 'utf8').catch(ifMissing(undefined))
  if (timerText === undefined) return undefined
  const serviceText = await readFile(join(paths.units, serviceName), 'utf8')
  const timer = await showUnit(timerName, ['ActiveState', 'NextElapseUSecRealtime', 'LastTriggerUSec'])
  const service = await showUnit(serviceName, ['Result', 'ExecMainStatus'])
  const last = timer.LastTriggerUSec || null
  return {
    schema: 'kernelswap.schedule/1',
    isActive: timer.ActiveState === 'active',
    calendars: [...timerText.matchAll(/^OnCalendar=(.*)$/gm)].map((match) => match[1]!),
    command: /^ExecStart=(.*)$/m.exec(serviceText)?.[1] ?? '',
    next: timer.NextElapseUSecRealtime || null,
    last,
    result:
      last === null ? null : { word: service.Result ?? '', exitCode: Number(service.ExecMainStatus ?? 0) },
  }
}

function scheduleText({ isActive, calendars, command, next, last, result }: ShownSchedule): string[] {
  return [
    `windows   ${calendars.join(', ')}${isActive ? '' : ' (the timer is stopped)'}`,
    `command   ${command}`,
    `next      ${next ?? 'never'}`,
    `last      ${last ?? 'never'}${result ? `: ${result.word}, exit code ${result.exitCode}` : ''}`,
    `why       journalctl --unit ${serviceName}`,
  ]
}
