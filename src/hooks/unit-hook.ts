import * as z from 'zod'
import type { BuiltInHook } from './built-in-hook.ts'
import { differing } from './judge.ts'

const baselineSchema = z.object({ main: z.string(), group: z.string(), restarts: z.string() })

/** systemd supervises the unit as before: active, the same main process, in the unit's control group, not restarted. */
export const unitHook: BuiltInHook = {
  id: 'all/10-unit',
  async answer(verb, { unit }, { facts, baseline }) {
    if (verb !== 'check' && verb !== 'capture' && verb !== 'verify')
      return { outcome: 'silent', findings: [] }
    const { ActiveState = '', MainPID = '', ControlGroup = '', NRestarts = '' } = await facts.unit(unit)
    if (verb === 'check') {
      if (ActiveState === 'active') return { outcome: 'ok', findings: [] }
      return { outcome: 'veto', reason: `${unit} is ${ActiveState}, not active`, findings: [] }
    }
    if (verb === 'capture')
      return {
        outcome: 'ok',
        baseline: { main: MainPID, group: ControlGroup, restarts: NRestarts },
        findings: [],
      }
    const { main, group, restarts } = baselineSchema.parse(baseline)
    return differing([
      ...(ActiveState === 'active' ? [] : [`${unit} is ${ActiveState}`]),
      ...(MainPID === main ? [] : [`main process ${main} is now ${MainPID}`]),
      ...(ControlGroup === group ? [] : [`control group ${group} is now ${ControlGroup}`]),
      // A new boot counts from zero.
      ...(Number(NRestarts) <= Number(restarts) ? [] : [`systemd restarted it ${NRestarts} times`]),
    ])
  },
}
