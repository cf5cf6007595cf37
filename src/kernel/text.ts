import type { RecordChange, TypeChanges } from '../btf/compare.ts'
import type { ChangelogDifference } from './changelog.ts'
import type { KernelComparison } from './comparison.ts'

/** How many names of a list are shown; `--json` has all. */
const shown = 10

/** A comparison for people, without its first line that names the kernels. */
export function comparisonLines(comparison: KernelComparison): string[] {
  const { types, options, notes } = comparison
  return [
    ...summaryLines(comparison),
    ...(types ? typeLines(types) : []),
    ...(options && options.length > 0
      ? [`configuration: ${few(options)}; a structure may have changed for that alone`]
      : []),
    ...notes,
  ]
}

/** The two lines that matter most: fixes, and whether the layout of data has changed. */
export function summaryLines({ changelog, layout, types }: KernelComparison): string[] {
  return [
    ...(changelog ? [fixesLine(changelog)] : []),
    ...(layout && types ? [layoutLine(layout, types)] : []),
  ]
}

function fixesLine({ fixes, cves, lostFixes, lostCves }: ChangelogDifference): string {
  const gains = `${count(fixes, 'fix', 'fixes')}${cves.length > 0 ? `, among them ${few(cves)}` : ''}`
  if (lostFixes === 0) return gains
  return `${fixes > 0 ? `${gains}; ` : ''}lacks ${count(lostFixes, 'fix', 'fixes')} of the kernel before${lostCves.length > 0 ? `, among them ${few(lostCves)}` : ''}`
}

function layoutLine(layout: 'same' | 'padding' | 'changed', { records }: TypeChanges): string {
  const possible = 'a live patch could have done this as far as data is concerned'
  if (layout === 'same') return `same layout: ${possible}`
  if (layout === 'padding') {
    const padded = records.filter(({ effect }) => effect === 'padding')
    return `same layout but for members where nothing was, in ${few(padded.map(recordText), 1)}: ${possible} if what lies there already is good for them`
  }
  // What was carried on says less than what carried it.
  const changed = ['changed', 'carried'].flatMap((effect) => records.filter((each) => each.effect === effect))
  return `layout changed: ${few(changed.map(recordText), 1)}`
}

/** `struct page (+8 bytes: x added)`. */
export function recordText({ name, source, bytes, ...change }: RecordChange): string {
  const what = [
    ...listed(change.added, 'added'),
    ...listed(change.removed, 'removed'),
    ...listed(change.retyped, 'of another type'),
    ...(change.moved.length > 0 ? [`${count(change.moved.length, 'member')} moved`] : []),
    ...(change.effect === 'carried' ? ['structures in it changed'] : []),
  ]
  const size = bytes === 0 ? '' : `${bytes > 0 ? '+' : ''}${bytes} bytes: `
  return `${name}${source === 'vmlinux' ? '' : ` of ${source}`} (${size}${what.join(', ') || 'its size alone'})`
}

function listed(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${few(names, 3)} ${what}`]
}

function typeLines({ records, enumerations, exports, compared }: TypeChanges): string[] {
  const of = (effect: RecordChange['effect']) => records.filter((each) => each.effect === effect)
  const [changed, carried, padding] = [of('changed'), of('carried'), of('padding')]
  const renumbered = enumerations.filter((each) => each.renumbered.length > 0)
  const line = (title: string, names: readonly string[] = []) =>
    names.length === 0 ? [] : [`${title}: ${names.length}: ${few(names)}`]
  return [
    `structures that both have: ${compared}`,
    ...line('changed', changed.map(recordText)),
    ...line(
      'changed since what is in them did',
      carried.map(({ name }) => name),
    ),
    ...line('new members where nothing was', padding.map(recordText)),
    ...line(
      'enumerations that renumber values',
      renumbered.map(({ name }) => name),
    ),
    ...line(
      'exported functions that are called in another way',
      exports?.changed.map(({ name }) => name),
    ),
    ...line('newly exported', exports?.added),
    ...line('no longer exported', exports?.removed),
  ]
}

/** The first of a list, and how many more there are. */
function few(names: readonly string[], most = shown): string {
  const rest = names.length - most
  return [...names.slice(0, most), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
