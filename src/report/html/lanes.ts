import { html, type Markup } from './markup.ts'

/** Colours that are told apart in this order by people who don't see all of them as well. */
const colours = [
  '#4477aa',
  '#ee6677',
  '#228833',
  '#ccbb44',
  '#66ccee',
  '#aa3377',
  '#bbbbbb',
  '#997700',
  '#004488',
  '#ee99aa',
  '#6699cc',
  '#994455',
  '#44bb99',
  '#222255',
  '#ddcc77',
  '#888888',
  '#663333',
]

/** A colour for each name, the same for the same one. */
export function colouring(names: readonly string[]): (name: string) => string {
  const distinct = [...new Set(names)]
  return (name) => colours[distinct.indexOf(name) % colours.length]!
}

export interface Bar {
  readonly name: string
  readonly from: number
  readonly seconds: number
  readonly colour: string
}

/** Bars side by side on one line; `end` is written behind the last. */
export interface Lane {
  readonly bars: readonly Bar[]
  readonly end?: string
}

/** Heights in pixels: of a lane with the room around it, of its bars, of the axis below. */
export const laneHeight = 28
const barHeight = 18
export const axisHeight = 24

/** How high the drawing of so many lanes is, in pixels. */
export function lanesHeight(lanes: number): number {
  return lanes * laneHeight + axisHeight
}

/**
 * The inside of an SVG element: lanes below each other over one axis of time. Positions are percentages of the element's width,
 * so that it may have any, and is zoomed by another.
 * @param whole seconds from the left to the right
 */
export function drawLanes(lanes: readonly Lane[], whole: number): Markup {
  const share = (seconds: number) => `${Math.round((seconds / Math.max(whole, 0.001)) * 1e5) / 1e3}%`
  const bottom = lanes.length * laneHeight
  const marks = axisMarks(whole).map(
    (seconds) =>
      html`<line x1="${share(seconds)}" y1="0" x2="${share(seconds)}" y2="${bottom}" stroke="#8888" /><text x="${share(seconds)}" y="${bottom + 16}" text-anchor="${seconds === 0 ? 'start' : 'middle'}">${seconds} s</text>`,
  )
  return html`${marks}${lanes.map(({ bars, end }, index) => {
    const y = index * laneHeight + (laneHeight - barHeight) / 2
    const last = bars.at(-1)
    return html`${bars.map(
      ({ name, from, seconds, colour }) =>
        html`<rect x="${share(from)}" y="${y}" width="${share(seconds)}" height="${barHeight}" fill="${colour}"><title>${name}: ${seconds.toFixed(2)} s</title></rect>`,
    )}${end !== undefined && last ? html`<text x="${share(last.from + last.seconds)}" dx="6" y="${y + 13}">${end}</text>` : ''}`
  })}`
}

/** A mark every so many seconds, ten at the most. */
function axisMarks(whole: number): number[] {
  const every = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => whole / step <= 10) ?? 1000
  return Array.from(
    { length: Math.floor(whole / every) + 1 },
    (_, index) => Math.round(index * every * 10) / 10,
  )
}
