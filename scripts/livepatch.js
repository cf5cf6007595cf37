// Prints what each update of a series of Debian's kernels changed, as Markdown: the tables of docs/livepatch.md.
//   node scripts/livepatch.js [CACHE]
// Downloads every kernel of the series that this host's mirrors have, by its name and through apt, into a folder
// (default: /var/tmp/kernelswap-livepatch), and runs `kernelswap kernels diff` on each pair. Remove the folder afterwards:
// it holds about half a gigabyte. Takes ten seconds for each pair on an idle processor.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { bundle } from './bundle.js'

const cache = resolve(process.argv[2] ?? '/var/tmp/kernelswap-livepatch')
const series = '6.12'
const flavour = 'cloud-amd64'
/** What a day may bring as against what a month gathers. */
const fewFixes = 100

const folders = ['apt/lists/partial', 'apt/archives/partial', 'apt/sources', 'packages', 'pairs']
for (const folder of folders) mkdirSync(join(cache, folder), { recursive: true, mode: 0o700 })
const apt = (program, ...words) =>
  execa(
    program,
    [
      ...[
        `Dir::State=${cache}/apt`,
        `Dir::State::Lists=${cache}/apt/lists`,
        `Dir::Cache=${cache}/apt`,
      ].flatMap(option),
      ...['Dir::Etc::SourceList=/dev/null', `Dir::Etc::SourceParts=${cache}/apt/sources`].flatMap(option),
      ...['APT::Sandbox::User=root', 'APT::Architecture=amd64', 'APT::Architectures=amd64'].flatMap(option),
      ...words,
    ],
    { cwd: join(cache, 'packages'), timeout: 600_000 },
  )
function option(setting) {
  return ['--option', setting]
}

const program = join(cache, 'kernelswap.js')
await bundle('src/main.ts', program)
const { stdout: sources } = await execa('images/rehearsal/sources')
writeFileSync(join(cache, 'apt/sources/debian.sources'), sources)
await apt('apt-get', 'update')

const pattern = new RegExp(
  `^linux-image-(${series.replace('.', '\\.')}\\.\\d+\\+deb13(?:\\.\\d+)?-${flavour})$`,
)
const { stdout: names } = await apt('apt-cache', 'pkgnames', `linux-image-${series}.`)
const kernels = names
  .split('\n')
  .filter((name) => pattern.test(name))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

const pairs = []
for (const [index, name] of kernels.entries()) {
  if (!packageFile(name)) await apt('apt-get', 'download', name)
  if (index === 0) continue
  pairs.push(await compare(kernels[index - 1], name))
}
console.log([...summary(), '', ...table(), '', ...largest()].join('\n'))

/** What `kernels diff` tells; kept, so that a run that was cut short goes on where it was. */
async function compare(from, to) {
  const kept = join(cache, 'pairs', `${from}--${to}.json`)
  if (!existsSync(kept)) {
    const words = ['kernels', 'diff', packageFile(from), packageFile(to), '--json']
    const { stdout } = await execa(process.execPath, [program, ...words], {
      stderr: 'ignore',
      maxBuffer: 1 << 28,
    })
    writeFileSync(kept, stdout)
  }
  const pair = JSON.parse(readFileSync(kept, 'utf8'))
  console.error(`${pair.from.release} → ${pair.to.release}: ${pair.layout}`)
  return pair
}

function packageFile(name) {
  const file = readdirSync(join(cache, 'packages')).find((each) => each.startsWith(`${name}_`))
  const path = file && join(cache, 'packages', file)
  return path && existsSync(path) ? path : undefined
}

function summary() {
  const share = (some) => {
    const of = (wanted) => some.filter(({ layout }) => layout === wanted).length
    return `${of('same')} of ${some.length} change no layout, ${of('padding')} only use holes, ${of('changed')} change one`
  }
  const few = pairs.filter(({ changelog }) => changelog.fixes <= fewFixes)
  const fixes = pairs.reduce((sum, { changelog }) => sum + changelog.fixes, 0)
  const changed = pairs.reduce((sum, { types }) => sum + types.records.filter(isChanged).length, 0)
  return [
    `- Of all updates ${share(pairs)}.`,
    `- Of those with at most ${fewFixes} fixes ${share(few)}.`,
    `- All together: ${fixes} fixes, ${changed} changes of a structure: one for ${Math.round(fixes / Math.max(changed, 1))} fixes.`,
  ]
}

function isChanged({ effect }) {
  return effect === 'changed'
}

function table() {
  const rows = pairs.map(({ from, to, changelog, layout, types, options }) => {
    const effects = (...wanted) => types.records.filter(({ effect }) => wanted.includes(effect)).length
    return [
      `${from.version} → ${to.version}`,
      changelog.fixes,
      changelog.cves.length,
      effects('changed'),
      effects('carried'),
      effects('padding'),
      types.enumerations.filter(({ renumbered }) => renumbered.length > 0).length,
      types.exports.changed.length,
      options.length,
      { same: '**same**', padding: '**same, holes used**', changed: 'changed' }[layout],
    ]
  })
  const titles = [
    'update',
    'fixes',
    'CVEs',
    'structures changed',
    'carried on',
    'holes used',
    'enumerations renumbered',
  ]
  return lines([...titles, 'signatures changed', 'options changed', 'layout'], rows)
}

/** What the changed ones were, of updates with few of them. */
function largest() {
  const rows = pairs
    .map(({ from, to, types }) => ({
      name: `${from.version} → ${to.version}`,
      records: types.records.filter(isChanged),
    }))
    .filter(({ records }) => records.length > 0)
    .map(({ name, records }) => [
      name,
      records
        .slice(0, 5)
        .map(
          ({ name, source, bytes }) =>
            `\`${name}\`${source === 'vmlinux' ? '' : ` (${source})`}${bytes === 0 ? '' : ` ${bytes > 0 ? '+' : '−'}${Math.abs(bytes)} bytes`}`,
        )
        .join(', '),
    ])
  return lines(['update', 'the largest structures that changed'], rows)
}

function lines(titles, rows) {
  return [titles, titles.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
}
