import type { Report } from '../report.ts'
import { html, type Markup } from './markup.ts'

type Workload = Report['workloads'][number]
type Abi = NonNullable<Workload['abi']>

/** A facet has differed a thousand times in some processes; nobody reads more than this of one unit. */
const mostDifferences = 200

/** What became of each unit: facets of the kernel's ABI, and hooks. */
export function unitsSection({ workloads }: Report): Markup {
  return html`<section aria-labelledby="units">
<h2 id="units">Units</h2>
<p class="controls" hidden><label>Search <input type="search" id="search" placeholder="unit, facet, process, …"></label>
${['differing', 'explained', 'unverified', 'equal'].map(
  (kind) => html`<label><input type="checkbox" name="kind" value="${kind}" checked> ${kind}</label> `,
)}<output id="found" for="search"></output></p>
${workloads.map(unitArticle)}</section>`
}

function unitArticle(workload: Workload): Markup {
  const { unit, policy, outcome, pid, reason, abi, hooks } = workload
  const pids = pid.after === pid.before || pid.after === 0 ? `${pid.before}` : `${pid.before} → ${pid.after}`
  const asked = hooks.filter((hook) => hook.outcome !== 'silent')
  const isWell = outcome === 'preserved' && reason === null
  return html`<article class="unit">
<h3>${unit} <span class="badge ${isWell ? 'good' : outcome === 'ignored' ? 'neutral' : 'bad'}">${policy === 'preserve' ? outcome : policy}</span></h3>
<p>PID ${pids}${reason === null ? '' : html`; <strong>${reason}</strong>`}</p>
${abi ? facetsTable(abi, unit) : ''}
${asked.length > 0 ? hooksList(asked) : ''}
</article>
`
}

function facetsTable(abi: Abi, unit: string): Markup {
  const { facets, differences, tolerated, explained, unverified, equal = [] } = abi
  const rows = [
    ...differences.slice(0, mostDifferences).map((each) => differenceRow('differing', each)),
    ...tolerated
      .slice(0, mostDifferences)
      .map((each) => differenceRow('explained', each, `tolerated: ${each.reason}`)),
    ...unverified.map(({ facet, reason }) => reasonRow('unverified', facet, reason)),
    ...explained.map(({ facet, reason }) => reasonRow('explained', facet, reason)),
  ]
  const left =
    Math.max(0, differences.length - mostDifferences) + Math.max(0, tolerated.length - mostDifferences)
  return html`<p>ABI facets: ${facets.equal} equal, ${facets.explained} explained, ${facets.differing} differing, ${facets.unverified} unverified${abi.strict ? '; tasks were held meanwhile' : ''}</p>
${
  rows.length === 0
    ? ''
    : html`<details${differences.length > 0 ? html` open` : ''}><summary>What is not equal (${rows.length})</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Facets of ${unit}"><table><thead><tr><th scope="col">outcome</th><th scope="col">facet</th><th scope="col">of</th><th scope="col">what</th></tr></thead><tbody>
${rows}</tbody></table></div></details>`
}${left > 0 ? html`<p>${left} more differences are in <code>kernelswap report --json</code>.</p>` : ''}
${
  equal.length === 0
    ? ''
    : html`<details class="row" data-kind="equal"><summary>Equal (${equal.length})</summary><p>${equal.join(', ')}</p></details>`
}`
}

function differenceRow(
  kind: string,
  { facet, task, line }: Abi['differences'][number],
  reason?: string,
): Markup {
  return html`<tr class="row" data-kind="${kind}"><td>${kind}</td><th scope="row">${facet}</th><td>${task}</td><td>${changed(line)}${reason === undefined ? '' : html` (${reason})`}</td></tr>
`
}

function reasonRow(kind: string, facet: string, reason: string): Markup {
  return html`<tr class="row" data-kind="${kind}"><td>${kind}</td><th scope="row">${facet}</th><td></td><td>${reason}</td></tr>
`
}

/** `label: was → is`, as comparisons put it (abi/compare.ts): what was there and what is there now are marked. */
function changed(line: string): Markup {
  const [before, after, ...more] = line.split(' → ')
  if (after === undefined || more.length > 0) return html`${line}`
  const at = before!.lastIndexOf(': ') + 1
  return html`${before!.slice(0, at)} <del>${before!.slice(at).trim()}</del> → <ins>${after}</ins>`
}

function hooksList(hooks: Workload['hooks']): Markup {
  const fine = hooks.filter(({ outcome }) => outcome === 'ok').length
  return html`<details${fine < hooks.length ? html` open` : ''}><summary>Hooks: ${fine} of ${hooks.length} fine</summary><ul>
${hooks.map(
  ({
    hook,
    outcome,
    reason,
    findings,
    output,
  }) => html`<li>${hook}: <strong>${outcome}</strong>${reason === null ? '' : html`; ${reason}`}
${findings.length === 0 ? '' : html`<ul>${findings.map(({ level, message }) => html`<li>${level}: ${message}</li>`)}</ul>`}${output === undefined ? '' : html`<pre>${output}</pre>`}</li>
`,
)}</ul></details>`
}
