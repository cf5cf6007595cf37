import { createHash } from 'node:crypto'
import type { Report } from '../report.ts'
import { colouring, drawLanes, lanesHeight } from './lanes.ts'
import { html, type Markup, trusted } from './markup.ts'
import { script, style } from './style.ts'
import { timelineSection } from './timeline.ts'
import { unitsSection } from './units.ts'

/** An earlier swap of the same host. */
export interface PastOutage {
  readonly id: string
  readonly verdict: Report['verdict']
  readonly kernel: string
  /** Null where services never stood still. */
  readonly seconds: number | null
}

/** What a report doesn't say itself. */
export interface Beside {
  /** The oldest first. */
  readonly history?: readonly PastOutage[]
  /** How its kernels differ, line by line. */
  readonly kernels?: readonly string[]
}

/** What the file may do: nothing is loaded or sent, and no script or style counts but ours (CSP 3, hash-source). */
const policy = [
  "default-src 'none'",
  `style-src '${digest(style)}'`,
  `script-src '${digest(script)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** A report as one HTML file that needs nothing else. */
export function reportHtml(report: Report, { history = [], kernels = [] }: Beside = {}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>swap ${report.id}: ${report.verdict}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>${verdictSection(report)}</header>
<main>
${timelineSection(report)}
${clientsSection(report)}
${unitsSection(report)}
${
  kernels.length === 0
    ? ''
    : html`<section aria-labelledby="kernels"><h2 id="kernels">What separates the kernels</h2><ul>${kernels.map((line) => html`<li>${line}</li>`)}</ul></section>`
}
${historySection(history)}
</main>
<script>${trusted(script)}</script>
</body>
</html>
`.text
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function verdictSection({ id, verdict, reason, kernel, outage, workloads }: Report): Markup {
  const isGood = verdict === 'swapped' || verdict === 'restored'
  const counts = (['preserved', 'cold', 'lost', 'ignored'] as const)
    .map((outcome) => ({ outcome, count: workloads.filter((each) => each.outcome === outcome).length }))
    .filter(({ count }) => count > 0)
  const expected =
    outage?.predicted == null ? 'nobody knew how long' : `${outage.predicted.toFixed(1)} s expected`
  return html`<h1>Swap ${id}: <span class="${isGood ? 'good' : 'bad'}">${verdict}</span></h1>
${reason === null ? '' : html`<p><strong>${reason}</strong></p>`}
<p>Kernel ${kernel.from} → ${kernel.to}${kernel.running === kernel.to ? '' : `; running: ${kernel.running}`}</p>
<p>Units: ${counts.map(({ outcome, count }) => `${count} ${outcome}`).join(', ') || 'none'}</p>
${outage ? html`<p>Services stood still for <strong>${outage.seconds.toFixed(1)} s</strong> (${expected}).</p>` : ''}`
}

/** What clients saw of it, in rehearsals. */
function clientsSection({ clients = [] }: Report): Markup {
  if (clients.length === 0) return html``
  const waits = clients.map(({ service, gapSeconds }) => ({ name: service, seconds: gapSeconds }))
  return html`<section aria-labelledby="clients"><h2 id="clients">Clients</h2>
<p>The longest that each waited for an answer:</p>
${secondsChart(waits, 'Longest wait of each client')}
<div class="scroll" tabindex="0" role="region" aria-label="What clients saw"><table><thead><tr>${['service', 'connection', 'requests', 'errors', 'lost', 'doubled', 'longest wait', 'problem'].map((title) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>
${clients.map(
  (each) =>
    html`<tr><th scope="row">${each.service}</th><td>${each.connectionSurvived ? 'survived' : html`<span class="bad">lost</span>`}</td>${[each.requests, each.errors, each.lost, each.doubled, `${each.gapSeconds.toFixed(1)} s`, each.problem ?? ''].map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
)}</tbody></table></div></section>`
}

function historySection(history: readonly PastOutage[]): Markup {
  if (history.length === 0) return html``
  const outages = history.flatMap(({ id, seconds }) => (seconds === null ? [] : [{ name: id, seconds }]))
  return html`<section aria-labelledby="history"><h2 id="history">Swaps of this host</h2>
${outages.length === 0 ? '' : secondsChart(outages, 'How long services stood still in each swap')}
<table><thead><tr><th scope="col">swap</th><th scope="col">to</th><th scope="col">verdict</th><th scope="col">services stood still</th></tr></thead><tbody>
${history.map(({ id, kernel, verdict, seconds }) => html`<tr><th scope="row">${id}</th><td>${kernel}</td><td>${verdict}</td><td>${seconds === null ? 'never' : `${seconds.toFixed(1)} s`}</td></tr>\n`)}</tbody></table></section>`
}

/** A bar for each of some durations; a table beside it says the same. */
function secondsChart(
  rows: readonly { readonly name: string; readonly seconds: number }[],
  title: string,
): Markup {
  const colour = colouring(['seconds'])('seconds')
  const lanes = rows.map(({ name, seconds }) => ({
    bars: [{ name, from: 0, seconds, colour }],
    end: `${seconds.toFixed(1)} s`,
  }))
  const longest = Math.max(...rows.map(({ seconds }) => seconds))
  return html`<div class="lanes chart"><ol class="names" aria-hidden="true">${rows.map(({ name }) => html`<li>${name}</li>`)}</ol>
<svg role="img" aria-label="${title}" width="100%" height="${lanesHeight(rows.length)}">${drawLanes(lanes, longest)}</svg></div>`
}
