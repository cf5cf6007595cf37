import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { ifMissing } from '../errors.ts'
import type { BuiltInHook } from './built-in-hook.ts'
import { differing } from './judge.ts'

/** Where the administrator lists URLs, in a file for each unit. */
const lists = '/etc/kernelswap/http'
/** How long an endpoint may take to answer, in milliseconds: one that takes longer is as good as down to its clients. */
const answerMilliseconds = 5000

/** The status by URL, or why there was none. */
const answersSchema = z.record(z.string(), z.union([z.number(), z.string()]))
type Answers = z.infer<typeof answersSchema>

/** Endpoints answer HTTP as they did; without a list there is nothing to say. */
export const httpHook: BuiltInHook = httpHookWith(lists)

export function httpHookWith(directory: string): BuiltInHook {
  return {
    id: 'all/30-http',
    async answer(verb, { unit }, { baseline }) {
      const urls = await urlsOf(join(directory, unit))
      if (urls.length === 0 || (verb !== 'check' && verb !== 'capture' && verb !== 'verify'))
        return { outcome: 'silent', findings: [] }
      const answers = Object.fromEntries(
        await Promise.all(urls.map(async (url) => [url, await statusOf(url)] as const)),
      )
      if (verb === 'check') return readiness(answers)
      if (verb === 'capture') return { outcome: 'ok', baseline: answers, findings: [] }
      return differing(changes(answersSchema.parse(baseline), answers))
    },
  }
}

/** A URL a line; other lines are left out. */
async function urlsOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(ifMissing(''))
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^https?:/.test(line))
}

async function statusOf(url: string): Promise<number | string> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(answerMilliseconds) })
    await response.body?.cancel()
    return response.status
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } }
    return `no answer (${cause?.code ?? name})`
  }
}

function readiness(answers: Answers) {
  const silent = Object.entries(answers).find(([, answer]) => typeof answer !== 'number')
  return silent
    ? { outcome: 'veto' as const, reason: silent.join(': '), findings: [] }
    : { outcome: 'ok' as const, findings: [] }
}

function changes(before: Answers, now: Answers): string[] {
  return Object.entries(before)
    .filter(([url, answer]) => now[url] !== answer)
    .map(([url, answer]) => `${url}: ${answer} is now ${now[url] ?? 'not listed'}`)
}
