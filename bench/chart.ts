import type { Outage, Results } from './results.ts'
import { outagesOf } from './text.ts'

const ROW = 34
const BAR = 20
const LEFT = 190
const WIDTH = 900
const LEGEND_ROW = 18
const LEGEND_COLUMNS = 4

/** Colours that are told apart in this order, on white, by people who don't see all of them as well. */
const COLOURS = [
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

/** The timelines of all outages as an SVG document, one below the other from a common start. */
export function chart(results: Results): string {
  const rows: [string, Outage | undefined][] = [['floor', results.floor], ...results.loads.flatMap(outagesOf)]
  const shown = rows.flatMap(([name, outage]) => (outage ? [{ name, outage }] : []))
  const longest = Math.max(1, ...shown.map(({ outage }) => outage.seconds))
  const scale = (WIDTH - LEFT - 60) / longest
  const phases = [...new Set(shown.flatMap(({ outage }) => outage.phases.map(({ name }) => name)))]
  const colour = (phase: string) => COLOURS[phases.indexOf(phase) % COLOURS.length]!
  const axisAt = shown.length * ROW + 10
  const legendAt = axisAt + 40
  const height = legendAt + Math.ceil(phases.length / LEGEND_COLUMNS) * LEGEND_ROW
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...shown.flatMap(({ name, outage }, index) => bar(name, outage, index * ROW + 8, scale, colour)),
    ...axis(longest, scale, axisAt),
    ...phases.flatMap((phase, index) => legend(phase, colour(phase), index, legendAt)),
    '</svg>',
    '',
  ].join('\n')
}

function bar(
  name: string,
  { seconds, phases }: Outage,
  y: number,
  scale: number,
  colour: (phase: string) => string,
): string[] {
  let x = LEFT
  const parts = phases.map((phase) => {
    const width = phase.seconds * scale
    const title = `<title>${escaped(phase.name)}: ${phase.seconds.toFixed(2)} s</title>`
    const rect = `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${BAR}" fill="${colour(phase.name)}">${title}</rect>`
    x += width
    return rect
  })
  return [
    text(LEFT - 8, y + 14, name, 'end'),
    ...parts,
    text(LEFT + seconds * scale + 6, y + 14, `${seconds.toFixed(1)} s`),
  ]
}

/** A mark every so many seconds, ten at the most. */
function axis(longest: number, scale: number, y: number): string[] {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => longest / step <= 10) ?? 1000
  const marks = Array.from({ length: Math.floor(longest / every) + 1 }, (_, index) => index * every)
  return marks.flatMap((seconds) => {
    const x = round(LEFT + seconds * scale)
    return [
      `<line x1="${x}" y1="0" x2="${x}" y2="${y}" stroke="#00000022"/>`,
      text(x, y + 14, `${seconds} s`, 'middle'),
    ]
  })
}

function legend(phase: string, colour: string, index: number, top: number): string[] {
  const x = 10 + (index % LEGEND_COLUMNS) * ((WIDTH - 20) / LEGEND_COLUMNS)
  const y = top + Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW
  return [`<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`, text(x + 18, y, phase)]
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
