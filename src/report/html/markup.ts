import { printable } from '../../printer.ts'

/** Text that is markup already. Nothing but `html` and `trusted` makes one. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = Markup | string | number | null | undefined | false | readonly Part[]

/**
 * A piece of HTML or SVG, and the one place that escapes: what is put in is text, in an element or in a quoted attribute,
 * whatever it says, unless it is markup itself. What a reader would act on without showing it, such as marks that reverse the
 * order of letters, is shown.
 */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(pieces.reduce((whole, piece, index) => whole + textOf(parts[index - 1]) + piece))
}

/** Our own text, as it is: a style sheet or a script. */
export function trusted(text: string): Markup {
  return new Markup(text)
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text
  if (part === null || part === undefined || part === false) return ''
  if (typeof part === 'object') return part.map(textOf).join('')
  return `${part}`.split('\n').map(escaped).join('\n')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(line: string): string {
  return printable(line).replace(/[&<>"']/g, (character) => entities[character]!)
}
