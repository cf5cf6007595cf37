import { messageOf } from '../errors.ts'
import type { GroupEnded } from '../host/group.ts'
import { parseJson } from '../json.ts'
import { type Finding, findingSchema, type HookResult, type Verb } from './types.ts'

/** What a hook said, however it was asked. */
export type Judgement = Pick<HookResult, 'outcome' | 'reason' | 'baseline' | 'findings'>

/** Exit codes of the contract: docs/hooks.md. 64 is EX_USAGE of sysexits.h: "I don't know this word". */
const [VETO, DIFFERS, SILENT] = [10, 1, 64]

/** What a hook meant by how it ended and what it printed. */
export function judge(verb: Verb, ended: GroupEnded, timeoutSeconds: number): Judgement {
  if (ended.timedOut) return broken(`still running after ${timeoutSeconds} s, killed`)
  if (ended.signal !== null) return broken(`ended by ${ended.signal}`)
  if (ended.code === SILENT) return { outcome: 'silent', findings: [] }
  if (verb === 'check') return judgeCheck(ended)
  if (verb === 'capture') return judgeCapture(ended)
  if (verb === 'verify') return judgeVerify(ended)
  return { outcome: 'ok', findings: [] }
}

function judgeCheck(ended: GroupEnded): Judgement {
  if (ended.code === 0) return { outcome: 'ok', findings: [] }
  if (ended.code === VETO) return { outcome: 'veto', reason: reasonOf(ended), findings: [] }
  return unexpected(ended)
}

function judgeCapture(ended: GroupEnded): Judgement {
  if (ended.code !== 0) return unexpected(ended)
  if (ended.isCut) return broken('printed more than a baseline may have')
  try {
    const baseline = ended.stdout.trim() === '' ? null : parseJson(ended.stdout)
    return { outcome: 'ok', baseline: baseline as Required<Judgement>['baseline'], findings: [] }
  } catch (error) {
    return broken(`printed no JSON as its baseline (${messageOf(error)})`)
  }
}

function judgeVerify(ended: GroupEnded): Judgement {
  if (ended.code !== 0 && ended.code !== DIFFERS) return unexpected(ended)
  if (ended.isCut) return broken('printed more than findings may have')
  const findings = parseFindings(ended.stdout)
  if (typeof findings === 'string')
    return broken(`printed a line that is no finding: ${findings.slice(0, 60)}`)
  if (ended.code === 0) return { outcome: 'ok', findings }
  return { outcome: 'differs', reason: findings[0]?.message ?? reasonOf(ended), findings }
}

/** What `verify` comes to where these sentences tell what differs. */
export function differing(messages: readonly string[]): Judgement {
  const findings = messages.map((message) => ({ level: 'difference' as const, message }))
  const [reason] = messages
  return reason === undefined ? { outcome: 'ok', findings } : { outcome: 'differs', reason, findings }
}

/** The findings, one JSON object a line, or the first line that isn't one. */
function parseFindings(text: string): readonly Finding[] | string {
  const findings: Finding[] = []
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const finding = findingSchema.safeParse(findingOf(line))
    if (!finding.success) return line
    findings.push(finding.data)
  }
  return findings
}

function findingOf(line: string): unknown {
  try {
    return parseJson(line)
  } catch {
    return undefined
  }
}

function unexpected(ended: GroupEnded): Judgement {
  return broken(`exit code ${ended.code}${ended.stderr.trim() === '' ? '' : `: ${reasonOf(ended)}`}`)
}

/** It didn't keep to the contract. */
export function broken(reason: string): Judgement {
  return { outcome: 'broken', reason, findings: [] }
}

/** The last line of standard error, as the contract has it. */
function reasonOf({ stderr }: GroupEnded): string {
  return stderr.trim().split('\n').at(-1)?.slice(0, 500) || 'it gave no reason'
}
