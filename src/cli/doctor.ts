import type { Command } from 'commander'
import { examine } from '../schedule/doctor.ts'
import { withLock } from '../swap/lock.ts'
import type { Requirement } from '../swap/phases/check.ts'
import { sayDamaged } from './damaged.ts'
import type { Doctor } from './documents.ts'
import { createOutput, table } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap doctor`: is this host ready to be scheduled? */
export function doctorCommand(): Command {
  return new Verb('doctor')
    .summary('tell whether this host is ready for scheduled swaps')
    .description(
      'Looks at every requirement of a swap but a newer kernel, and at everything the configuration names.\n' +
        'Changes nothing, and takes no trial checkpoint. Exit code 0: ready; 3: something is in the way, with remedy.',
    )
    .option('--json', 'print one JSON document', false)
    .action(async ({ json }: { json: boolean }) => {
      const output = createOutput({ json })
      requireRoot()
      requireSystemd()
      await sayDamaged(output.say)
      const requirements = await withLock(() => examine(output.tell))
      const ready = requirements.every(({ obstacles }) => obstacles.length === 0)
      output.result(document(requirements, ready), doctorText(requirements, ready))
      if (!ready) process.exitCode = 3
    })
}

function document(requirements: readonly Requirement[], ready: boolean): Doctor {
  return {
    schema: 'kernelswap.doctor/1',
    ready,
    requirements: requirements.map(({ name, obstacles }) => ({
      name,
      ok: obstacles.length === 0,
      problems: obstacles.map(({ code, reason, remedy }) => ({ code, problem: reason, remedy })),
    })),
  }
}

/** A line for each requirement, or for each of its problems. */
export function doctorText(requirements: readonly Requirement[], ready: boolean): string[] {
  const rows = requirements.flatMap(({ name, obstacles }) =>
    obstacles.length === 0
      ? [[name, 'ok', '', '']]
      : obstacles.map(({ reason, remedy }) => [name, 'problem', reason, remedy]),
  )
  const lines = table([['REQUIREMENT', 'STATE', 'PROBLEM', 'REMEDY'], ...rows])
  return [...lines, '', ready ? 'ready' : 'not ready']
}
