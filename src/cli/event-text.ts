import type { SwapEvent, Tell } from '../swap/event.ts'

/** An event as a line for people; undefined for what they are told otherwise, at the end or by a question. */
export function eventText(event: SwapEvent): string | undefined {
  switch (event.kind) {
    case 'message':
      return event.text
    case 'step':
      return stepText(event)
    case 'undo':
      return `undo: ${event.step}`
    case 'unit':
      return `${event.step}: ${event.unit} (${event.number} of ${event.of})`
    case 'progress':
      return progressText(event)
    case 'failure':
      return `kernelswap: ${event.message}`
    default:
      return undefined
  }
}

/** Tells events by their lines for people. */
export function inWords(say: (line: string) => void): Tell {
  return (event) => {
    const text = eventText(event)
    if (text !== undefined) say(text)
  }
}

function stepText({ phase, step, seconds, kernel }: Extract<SwapEvent, { kind: 'step' }>): string {
  const where = kernel === undefined ? '' : `${kernel}: `
  const when = seconds === undefined ? '' : `${seconds.toFixed(1).padStart(6)} s  `
  return `${when}${where}${phase}: ${step}`
}

function progressText({ step, bytes, of, seconds }: Extract<SwapEvent, { kind: 'progress' }>): string {
  const mebibytes = (count: number) => (count / 1024 / 1024).toFixed(1)
  const rate = bytes / seconds
  const left = rate > 0 ? `${Math.ceil((of - bytes) / rate)} s left` : 'not begun'
  return `${step}: ${mebibytes(bytes)} of ${mebibytes(of)} MiB, ${mebibytes(rate)} MiB/s, ${left}`
}
