import { axisHeight, colouring, drawLanes, laneHeight, lanesHeight } from '../src/report/html/lanes.ts'
import { html } from '../src/report/html/markup.ts'
import type { Results } from './results.ts'
import { outagesOf } from './text.ts'

const [left, right, width] = [190, 60, 900]
const legendRow = 18
const legendColumns = 4

/** The timelines of all outages as an SVG document, one below the other from a common start. */
export function chart(results: Results): string {
  const named = [['floor', results.floor] as const, ...results.loads.flatMap(outagesOf)]
  const shown = named.flatMap(([name, outage]) => (outage ? [{ name, outage }] : []))
  const phases = [...new Set(shown.flatMap(({ outage }) => outage.phases.map(({ name }) => name)))]
  const colour = colouring(phases)
  const lanes = shown.map(({ outage }) => {
    let from = 0
    const bars = outage.phases.map(({ name, seconds }) => {
      const bar = { name, from, seconds, colour: colour(name) }
      from += seconds
      return bar
    })
    return { bars, end: `${outage.seconds.toFixed(1)} s` }
  })
  const longest = Math.max(1, ...shown.map(({ outage }) => outage.seconds))
  const legendTop = lanesHeight(lanes.length) + axisHeight
  const height = legendTop + Math.ceil(phases.length / legendColumns) * legendRow
  const place = (index: number) => ({
    x: 10 + (index % legendColumns) * ((width - 20) / legendColumns),
    y: legendTop + Math.floor(index / legendColumns) * legendRow,
  })
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${shown.map(({ name }, index) => html`<text x="${left - 8}" y="${index * laneHeight + 18}" text-anchor="end">${name}</text>\n`)}
<svg x="${left}" width="${width - left - right}" height="${lanesHeight(lanes.length)}" overflow="visible">${drawLanes(lanes, longest)}</svg>
${phases.map((phase, index) => {
  const { x, y } = place(index)
  return html`<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${colour(phase)}"/><text x="${x + 18}" y="${y}">${phase}</text>\n`
})}</svg>
`.text
}
