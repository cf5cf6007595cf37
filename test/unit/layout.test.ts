import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Entry, layout, layoutVersion, libraries, scripts, tmpfsArchives } from '../../src/layout.ts'

const source = new URL('../../src/', import.meta.url)
const directory = new URL('landing/static/', source)
const files = readdirSync(directory)
const text = (name: string) => readFileSync(new URL(name, directory), 'utf8')

/** What variables and descriptors of the scripts stand for. */
const meanings: readonly (readonly [string, string])[] = [
  ['$library', '/usr/lib/kernelswap'],
  ['$run/', '/run/kernelswap/'],
  ['$landing/swap/', '$landing/swap $swap/'],
  ['$landing', '/etc/kernelswap/landing'],
  ['$swap/workloads/$unit/', '$swap/workloads $checkpoint/'],
  ['$swap/workloads/$1/', '$swap/workloads $checkpoint/'],
  ...['.tar', '.xattrs'].map((ending): [string, string] => [
    `$checkpoint/$name${ending}`,
    tmpfsArchives.map((name) => `$checkpoint/${name}${ending}`).join(' '),
  ]),
  // CRIU finds its images there and writes its logs (restore-unit).
  ['/proc/self/fd/8', '$checkpoint/images'],
  [' restore.log', ' $checkpoint/images/restore.log'],
  [' restore-again.log', ' $checkpoint/images/restore-again.log'],
]

const places = {
  landing: '/etc/kernelswap/landing/',
  swap: '$swap/',
  checkpoint: '$checkpoint/',
  run: '/run/kernelswap/',
  state: '/var/lib/kernelswap/',
} satisfies Record<keyof typeof layout, string>

/** Names that a script has, comments aside, of what lies in a place. */
function namesIn(file: string, place: string): string[] {
  const code = text(file).replaceAll(/^\s*#.*$/gm, '')
  const known = meanings.reduce((changed, [name, meaning]) => changed.replaceAll(name, meaning), code)
  const found = [...known.matchAll(/[\w.$/-]+/g)]
    .map(([word]) => word)
    .filter((word) => word.startsWith(place))
    .map((word) => /^(?:images\/)?[\w.-]*/.exec(word.slice(place.length))![0])
  return [...new Set(found)].sort()
}

/** The rooms that have to do with checkpoints. */
const typescript = ['archive', 'landing', 'swap', 'tools', 'workload']
  .flatMap((room) => {
    const names = readdirSync(new URL(room, source), { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.ts')).map((name) => new URL(`${room}/${name}`, source))
  })
  .map((file) => readFileSync(file, 'utf8'))
  .join('')

const entries = Object.entries(layout).flatMap(([place, names]) =>
  Object.entries(names as Record<string, Entry>).map(([name, entry]) => ({ place, name, ...entry })),
)

describe.each(files)('%s', (file) => {
  test.each(Object.entries(places))(
    'names what the layout gives it of %s, and nothing else',
    (place, prefix) => {
      const given = entries.filter(
        (entry) => entry.place === place && [...entry.from, ...entry.to].includes(file as never),
      )
      const expected = given.map(({ name }) => name)
      expect(namesIn(file, prefix)).toEqual(expected.sort())
    },
  )
})

test.each(entries)(
  '$place/$name has somebody who writes it, and somebody who reads it',
  ({ name, from, to }) => {
    expect(from).not.toEqual([])
    expect(to).not.toEqual([])
    const [archive, ending] = name.split('.')
    const spelled = tmpfsArchives.some((known) => known === archive) ? `\`\${name}.${ending}\`` : `'${name}'`
    if ([...from, ...to].includes('kernelswap')) expect(typescript).toContain(spelled)
  },
)

/** A name that is put together elsewhere is one that nobody is held to. */
test('what is in TypeScript has its paths from the layout', () => {
  const names = entries.map(({ name }) => name.replaceAll('.', '\\.')).join('|')
  expect(typescript.match(new RegExp(`join\\([^()]*'(?:${names})'`, 'g'))).toBeNull()
})

test('every script is put into the package, and something starts it', () => {
  const started = files.flatMap((file) => namesIn(file, '/usr/lib/kernelswap/'))
  const asked = [...typescript.matchAll(/scriptFile\('([\w-]+)'\)/g)].map(([, name]) => name!)
  expect([...new Set([...started, ...asked])].sort()).toEqual([...scripts, ...libraries].sort())
  const packed = /^for script in (.*); do$/m.exec(readFileSync(new URL('../scripts/package', source), 'utf8'))
  expect(packed?.[1]?.split(' ').sort()).toEqual([...scripts])
})

/** They decide before anything else whether they understand what they find. */
test.each(['land', 'kernelswap-generator'])('%s knows the same version of the layout', (file) => {
  expect(/^layout=(.*)$/m.exec(text(file))?.[1]).toBe(String(layoutVersion))
})
