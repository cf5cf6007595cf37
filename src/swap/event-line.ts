import type { EventVersion, SwapEvent } from './event.ts'

const schema: EventVersion = 'kernelswap.event/1'

/**
 * An event as a line. By itself, since every verb can say one, and what reads them takes long to load.
 * @param host whose, where it is another one
 */
export function eventLine(event: SwapEvent, host?: string): string {
  return JSON.stringify({ schema, ...(host === undefined ? {} : { host }), ...event })
}
