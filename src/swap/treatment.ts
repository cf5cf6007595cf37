import type { Configuration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'
import { serviceName } from '../tools/unit-name.ts'
import type { ObstacleCode } from '../workload/obstacle.ts'
import type { Workload } from '../workload/workload.ts'
import type { Request, WorkloadPlan } from './plan.ts'

/** What the configuration and the caller want for a unit. */
export type Treatment = Pick<WorkloadPlan, 'policy' | 'onRestoreFailure' | 'onVerifyFailure' | 'tolerate'> & {
  /** What becomes of it where it can't be carried. */
  readonly refused: Configuration['refused']
}

/**
 * How each workload is treated: settings and `--restart` reach it by any of its names.
 * @throws Failure 'configuration' (by what is returned) for settings under two names of one unit.
 */
export function treatments(
  request: Pick<Request, 'restart' | 'restartRefused' | 'isWayBack'>,
  { unit: units, refused }: Pick<Configuration, 'unit' | 'refused'>,
): (workload: Pick<Workload, 'names'>) => Treatment {
  const restart = new Set(request.restart.map(serviceName))
  return ({ names }) => {
    const settings = settingsOf(names, units)
    return {
      policy: names.some((name) => restart.has(name)) ? 'restart' : (settings.policy ?? 'preserve'),
      onRestoreFailure: settings['on-restore-failure'] ?? 'cold',
      onVerifyFailure: request.isWayBack ? 'keep' : (settings['on-verify-failure'] ?? 'keep'),
      tolerate: settings.tolerate ?? {},
      refused: request.restartRefused ? 'restart' : (settings.refused ?? refused),
    }
  }
}

/** Which of two values should count isn't known any more once the files are merged. */
function settingsOf(names: readonly string[], units: Configuration['unit']): Configuration['unit'][string] {
  const [name, other] = names.filter((one) => Object.hasOwn(units, one))
  if (name === undefined) return {}
  if (other === undefined) return units[name]!
  throw new Failure(
    'configuration',
    `unit."${other}" is another name of unit."${name}"; put the settings of both under one of them.`,
  )
}

/** A restart is no answer to these: nothing runs, what starts it again is the boot's, or it would end us. */
const noRestartFor: readonly ObstacleCode[] = [
  'not-running',
  'platform',
  'runs-kernelswap',
  'socket-activated',
  'transient-unit',
]

/** What can't be carried is stopped and started, where somebody wants that. */
export function orRestarted(
  planned: WorkloadPlan,
  workload: Pick<Workload, 'obstaclesToRestart'>,
  { refused }: Pick<Treatment, 'refused'>,
): WorkloadPlan {
  const isAsked = refused === 'restart' && planned.policy === 'preserve' && planned.verdict === 'refused'
  if (!isAsked || planned.obstacles.some(({ code }) => noRestartFor.includes(code))) return planned
  const obstacles = workload.obstaclesToRestart()
  const verdict = obstacles.length === 0 ? 'ready' : 'refused'
  return { ...planned, policy: 'restart', verdict, obstacles, notCarried: planned.obstacles }
}
