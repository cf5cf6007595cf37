import { bold, literal, pageHead, roff, section } from './roff.ts'

/** kernelswap-hooks(7), from docs/hooks.md. */
export function hooksPage(markdown: string, version: string): string {
  const blocks = markdown.trim().split(/\n{2,}(?![^`]*\n```\n)/)
  return [
    pageHead('kernelswap-hooks', 7, 'checks that know a service', version),
    '.SH DESCRIPTION',
    // The first block is the document's title.
    ...blocks.slice(1).map(blockOf),
    section('SEE ALSO', ['kernelswap(8)', 'kernelswap.toml(5)'].map(literal).join(', ')),
    '',
  ].join('\n')
}

function blockOf(block: string): string {
  const heading = /^## (.*)$/.exec(block)
  if (heading) return `.SH ${roff(heading[1]!.toUpperCase())}`
  const code = /^```\w*\n(.*)\n```$/s.exec(block)
  if (code) return ['.PP', '.RS 4', '.nf', literal(code[1]!), '.fi', '.RE'].join('\n')
  if (block.startsWith('|')) return tableOf(block.split('\n'))
  if (block.startsWith('- '))
    return block
      .split('\n')
      .map((item) => `.IP \\(bu 2\n${inline(item.slice(2))}`)
      .join('\n')
  return `.PP\n${inline(block)}`
}

/** A list, since tables would need tbl(1) and a wide terminal: of each row the first cell is the term. */
function tableOf(lines: readonly string[]): string {
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  return rows
    .map(([term = '', ...cells]) => {
      const told = cells.map((cell, index) => (cell === '' ? '' : `${labelOf(head, index)}${inline(cell)}`))
      return [`.TP`, inline(term), told.filter(Boolean).join('.\n')].join('\n')
    })
    .join('\n')
}

/** Columns behind the second one say what they are. */
function labelOf(head: readonly string[], index: number): string {
  return index === 0 ? '' : `${roff(head[index + 1] ?? '')}: `
}

/** Code in bold, links by their text alone. */
function inline(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/(`[^`]+`)/)
    .map((part) => (part.startsWith('`') ? bold(part.slice(1, -1)) : roff(part)))
    .join('')
}
