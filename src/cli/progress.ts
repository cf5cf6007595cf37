import { standardError } from '../printer.ts'
import type { SwapEvent, Tell } from '../swap/event.ts'
import { eventText, inWords } from './event-text.ts'

/** Progress of long work on stderr: a line a phase with the elapsed time, on a terminal redrawn in place. */
export interface Progress {
  /** Ends the phase before and begins this one. */
  readonly phase: (name: string) => void
  /** The same for an event that people are told. */
  readonly tell: Tell
  /** Ends the last phase. May be called again. */
  readonly end: () => void
}

/** Redraws of the running line, in milliseconds. */
const redraw = 500

/** Starts the clock. */
export function createProgress(printer = standardError): Progress {
  const began = performance.now()
  let current: { name: string; readonly at: number } | undefined
  const timer = printer.isTerminal ? setInterval(draw, redraw) : undefined
  timer?.unref()

  function line(): string {
    if (!current) return ''
    const now = performance.now()
    return `${seconds(now - began)}  ${current.name.padEnd(40)} ${seconds(now - current.at)}`
  }

  function draw(): void {
    if (current) printer.redraw(line())
  }

  function end(): void {
    if (!current) return
    if (printer.isTerminal) printer.redraw('')
    printer.line(line())
    current = undefined
  }

  function phase(name: string): void {
    end()
    current = { name, at: performance.now() }
    if (printer.isTerminal) draw()
  }

  /** The unit that a phase is at is part of its line. */
  function unit(event: Extract<SwapEvent, { kind: 'unit' }>): void {
    const text = eventText(event)!
    if (current?.name.includes(event.step)) current.name = text
    else phase(text)
    if (printer.isTerminal) draw()
  }

  function tell(event: SwapEvent): void {
    if (event.kind === 'unit') unit(event)
    // The clock is ours.
    else inWords(phase)(event.kind === 'step' ? { ...event, seconds: undefined } : event)
  }

  return {
    phase,
    tell,
    end: () => {
      end()
      clearInterval(timer)
    },
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1).padStart(6)} s`
}
