/** Quiet, in the reader's light or dark, narrow or printed. Text keeps a contrast of 4.5 (WCAG 2.2, 1.4.3). */
export const style = `
:root{color-scheme:light dark;--back:#fff;--text:#1b1b1b;--soft:#555;--line:#ccc;--good:#1a6b2d;--bad:#a3141e;--link:#0b57a4}
@media (prefers-color-scheme:dark){:root{--back:#16181b;--text:#e8e8e8;--soft:#b0b0b0;--line:#444;--good:#7fd494;--bad:#ff9a9f;--link:#8cbcf5}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;border-bottom:1px solid var(--line);margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .2rem;overflow-wrap:anywhere}
p{margin:.3rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;font-weight:normal}
thead th{color:var(--soft)}
pre{overflow-wrap:anywhere;white-space:pre-wrap;font-size:.85rem;margin:.3rem 0}
.badge{border:1px solid;border-radius:.3rem;padding:0 .4rem;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.neutral{color:var(--soft)}
del{color:var(--bad)}ins{color:var(--good)}
.controls{display:flex;flex-wrap:wrap;gap:.4rem .9rem;align-items:center;margin:.5rem 0}.controls[hidden]{display:none}
button,select,input[type=search]{font:inherit;min-height:2rem;color:var(--text);background:var(--back);border:1px solid var(--soft);border-radius:.3rem;padding:0 .6rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.scroll{overflow-x:auto}.scroll table{min-width:38rem}
.legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;list-style:none;margin:.2rem 0;padding:0;font-size:.8rem}.legend svg{display:inline-block}
.lanes{display:grid;grid-template-columns:minmax(5rem,30%) 1fr}
.names{list-style:none;margin:0;padding:0 .5rem 0 0;font-size:.8rem;text-align:right}
.names li{height:28px;line-height:28px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
svg text{fill:var(--text);font:12px system-ui,sans-serif}
svg{display:block;overflow:visible}.chart{max-width:45rem;padding-right:4rem}.scroll svg{overflow:hidden}
summary{cursor:pointer}
[hidden]{display:none}
@media print{:root{--back:#fff;--text:#000;--soft:#333;--line:#999;--good:#1a6b2d;--bad:#a3141e}.controls{display:none}body{max-width:none;font-size:11px}article{break-inside:avoid-page}}
`

/** Zoom and filter; without it all there is to read is there. */
export const script = `
'use strict'
for (const controls of document.querySelectorAll('.controls')) controls.hidden = false
const time = document.getElementById('time')
if (time) {
  const scroll = time.parentElement
  let zoom = 1
  const show = (factor, at) => {
    zoom = Math.min(500, Math.max(1, factor))
    time.setAttribute('width', zoom * 100 + '%')
    scroll.scrollLeft = at * time.getBoundingClientRect().width
  }
  const middle = () => (scroll.scrollLeft + scroll.clientWidth / 2) / time.getBoundingClientRect().width
  const by = (factor) => {
    const at = middle()
    show(zoom * factor, at - 0.5 / Math.min(500, Math.max(1, zoom * factor)))
  }
  for (const button of document.querySelectorAll('[data-zoom]'))
    button.addEventListener('click', () => by(Number(button.dataset.zoom)))
  scroll.addEventListener('keydown', (event) => {
    if (event.key === '+' || event.key === '-') by(event.key === '+' ? 2 : 0.5)
  })
  document.getElementById('range').addEventListener('change', (event) => {
    const [from, share] = event.target.value === '' ? [0, 1] : event.target.value.split(',').map(Number)
    show(1 / Math.max(share, 0.002), from)
  })
}
const search = document.getElementById('search')
if (search) {
  const kinds = [...document.getElementsByName('kind')]
  const units = [...document.querySelectorAll('.unit')].map((unit) => ({
    unit,
    name: unit.querySelector('h3').textContent.toLowerCase(),
    rows: [...unit.querySelectorAll('.row')].map((row) => ({ row, text: row.textContent.toLowerCase() })),
    text: unit.textContent.toLowerCase(),
  }))
  const filter = () => {
    const wanted = search.value.trim().toLowerCase()
    const shown = new Set(kinds.filter((kind) => kind.checked).map((kind) => kind.value))
    let count = 0
    for (const { unit, name, rows, text } of units) {
      const isNamed = name.includes(wanted)
      let found = 0
      for (const each of rows) {
        const isShown = shown.has(each.row.dataset.kind) && (isNamed || each.text.includes(wanted))
        each.row.hidden = !isShown
        if (isShown) found += 1
      }
      if (wanted !== '' && found > 0) for (const more of unit.querySelectorAll('details:has(.row)')) more.open = true
      unit.hidden = !(isNamed || found > 0 || (rows.length === 0 && text.includes(wanted)))
      if (!unit.hidden) count += 1
    }
    document.getElementById('found').textContent = count + ' of ' + units.length + ' units'
  }
  search.addEventListener('input', filter)
  for (const kind of kinds) kind.addEventListener('change', filter)
}
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true
})
`
