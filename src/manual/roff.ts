/** Text for roff: nothing in it is taken for a request or an escape (groff(7)). */
export function roff(text: string): string {
  return text.replaceAll('\\', '\\(rs').replace(/^([.'])/gm, '\\&$1')
}

/** The same for what people may copy: a hyphen that stays a minus. */
export function literal(text: string): string {
  return roff(text).replaceAll('-', '\\-')
}

export function bold(text: string): string {
  return `\\fB${literal(text)}\\fP`
}

/** The first lines of a page: its title, section, and one line on what it is. */
export function pageHead(name: string, section: number, summary: string, version: string): string {
  return [
    `.TH ${literal(name).toUpperCase()} ${section} "" "kernelswap ${literal(version)}"`,
    '.SH NAME',
    `${literal(name)} \\- ${roff(summary)}`,
  ].join('\n')
}

/** A section of several paragraphs or requests. */
export function section(title: string, ...content: readonly string[]): string {
  return [`.SH ${roff(title)}`, ...content].join('\n')
}

/** A term and, indented below it, what it means. */
export function tagged(term: string, ...meaning: readonly string[]): string {
  return ['.TP', term, ...meaning.map(roff)].join('\n')
}
