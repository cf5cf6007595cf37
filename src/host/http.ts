import { messageOf } from '../errors.ts'

/** What a server answered, whatever its status. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/**
 * Posts a JSON document.
 * @throws Error in one sentence where no answer comes within `timeoutSeconds`.
 */
export async function postJson(
  url: string,
  document: unknown,
  options: { readonly headers: Readonly<Record<string, string>>; readonly timeoutSeconds: number },
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: JSON.stringify(document),
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutSeconds * 1000),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    // fetch says "fetch failed" and keeps the reason to itself; of several addresses that failed only a code is known.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    throw new Error(`${url} gives no answer: ${messageOf(cause) || code}`, { cause: error })
  }
}
