import { messageOf } from '../errors.ts'

/** What a server answered, whatever its status. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** A server gave no answer. */
export class NoAnswer extends Error {
  /** It may have got the request all the same. */
  readonly mayHaveArrived: boolean

  constructor(url: string, cause: unknown) {
    // fetch says "fetch failed" and keeps the reason to itself; of several addresses that failed only a code is known.
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const code = reason instanceof Error && 'code' in reason ? String(reason.code) : ''
    super(`${url} gives no answer: ${messageOf(reason) || code}`, { cause })
    this.name = 'NoAnswer'
    const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
    this.mayHaveArrived = isTimeout || ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET'].includes(code)
  }
}

/**
 * Posts a JSON document.
 * @throws NoAnswer where none comes within `timeoutSeconds`.
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
    throw new NoAnswer(url, error)
  }
}
