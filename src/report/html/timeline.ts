import type { Report, Span } from '../report.ts'
import { type Bar, colouring, drawLanes, type Lane, lanesHeight } from './lanes.ts'
import { html, type Markup } from './markup.ts'

interface NamedLane extends Lane {
  readonly name: string
}

/** When everything was done: phases, their steps, and CRIU's work on each unit; a picture to zoom, and a table. */
export function timelineSection(report: Report): Markup {
  const lanes = lanesOf(report)
  const bars = lanes.flatMap(({ bars }) => bars)
  if (bars.length === 0) return html``
  const whole = Math.max(...bars.map(({ from, seconds }) => from + seconds))
  return html`<section aria-labelledby="timeline">
<h2 id="timeline">Timeline</h2>
<p class="controls" hidden><button type="button" data-zoom="2">Zoom in</button>
<button type="button" data-zoom="0.5">Zoom out</button>
<label>Show <select id="range"><option value="">the whole swap</option>${phaseBars(report).map(
    ({ name, from, seconds }) => html`<option value="${from / whole},${seconds / whole}">${name}</option>`,
  )}</select></label></p>
<div class="lanes">
<ol class="names" aria-hidden="true">${lanes.map(({ name }) => html`<li>${name}</li>`)}</ol>
<div class="scroll" tabindex="0" role="region" aria-label="Timeline as a picture; the table below says the same">
<svg id="time" role="img" aria-label="When each phase, step and unit was worked on" width="100%" height="${lanesHeight(lanes.length)}">${drawLanes(lanes, whole)}</svg>
</div></div>
${legend(report)}
<details><summary>The same as a table</summary>
<table><thead><tr><th scope="col">what</th><th scope="col">from, s</th><th scope="col">seconds</th></tr></thead><tbody>
${lanes.flatMap((lane) =>
  lane.bars.map(
    ({ name, from, seconds }) =>
      html`<tr><th scope="row">${lane.name}: ${name}</th><td>${from.toFixed(2)}</td><td>${seconds.toFixed(2)}</td></tr>\n`,
  ),
)}</tbody></table></details>
</section>`
}

/** Steps are told by the table, and by the title of each. */
function legend(report: Report): Markup {
  const work = report.workloads.some(({ dump, restore }) => dump ?? restore)
  const bars = [
    ...phaseBars(report),
    ...(work
      ? ['dump', 'restore'].map((name) => ({ name: `${name} of a unit`, colour: workColour(name) }))
      : []),
  ]
  return html`<ul class="legend">${bars.map(
    ({ name, colour }) =>
      html`<li><svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" fill="${colour}"/></svg> ${name}</li> `,
  )}</ul>`
}

const workColour = colouring(['dump', 'restore'])

function lanesOf(report: Report): NamedLane[] {
  const work = report.workloads.flatMap(({ unit, dump, restore }): NamedLane[] => {
    const bar = (name: string, span: Span | undefined): Bar[] =>
      span ? [{ name, ...span, colour: workColour(name) }] : []
    const bars = [...bar('dump', dump), ...bar('restore', restore)]
    return bars.length === 0 ? [] : [{ name: unit, bars }]
  })
  const steps = stepBars(report)
  return [
    { name: 'phases', bars: phaseBars(report) },
    ...(steps.length > 0 ? [{ name: 'steps', bars: steps }] : []),
    ...work,
  ]
}

/** Each phase begins where the one before it ends. */
function phaseBars({ timeline }: Report): Bar[] {
  const colour = colouring(timeline.map(({ phase }) => phase))
  let from = 0
  return timeline.map(({ phase, seconds }) => {
    const bar = { name: phase, from, seconds, colour: colour(phase) }
    from += seconds
    return bar
  })
}

/** A report of an older kernelswap knows the steps of the freeze alone. */
function stepBars(report: Report): Bar[] {
  const freeze = phaseBars(report).find(({ name }) => name === 'freeze')
  let from = freeze?.from ?? 0
  const known =
    report.steps ??
    report.freeze.map(({ step, seconds }) => {
      const timed = { phase: 'freeze', step, from, seconds }
      from += seconds
      return timed
    })
  const colour = colouring(known.map(({ step }) => step))
  return known.map(({ phase, step, ...span }) => ({
    name: `${phase}: ${step}`,
    ...span,
    colour: colour(step),
  }))
}
