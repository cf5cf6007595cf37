import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfiguration } from '../../../src/config/configuration.ts'
import { Failure } from '../../../src/errors.ts'

/** A good file with every key: what mutations start from. */
const good = `keep = 3
fallback = "external"
watchdog-seconds = 120
on-success = ["/usr/bin/true", "well done"]
on-failure = [
  "/usr/bin/logger",
  "--tag=kernelswap",   # with a comment
]
metrics-file = "/var/lib/prometheus/node-exporter/kernelswap.prom"

[fleet-lock]
url = "http://127.0.0.1:3333"
group = "workers"

[unit."redis-server.service"]
policy = "preserve"
on-restore-failure = "back"

[unit."app.service".tolerate]
nice = "a cron job renices it"
`

/** mulberry32: the same numbers in every run, so that a failure can be looked at. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

type Random = ReturnType<typeof generator>

const scraps = [
  ...[
    '=',
    '[',
    ']',
    '[[',
    '"',
    '"""',
    "'",
    '\n',
    '#',
    ',',
    '{',
    '}',
    '.',
    '-',
    '0x',
    '1e999',
    'inf',
    'nan',
    'true',
  ],
  ...[
    '1979-05-27',
    '99999999999999999999',
    '\\u0000',
    '\\uD800',
    '\0',
    '\r',
    '\uFEFF',
    'é',
    '😀',
    '[unit]\n',
  ],
  ...[
    '__proto__ = 1\n',
    '[unit.__proto__]\n',
    '[constructor]\n',
    'keep = 1\n',
    'unit = 1\n',
    '[['.repeat(600),
  ],
]

const mutations: readonly ((text: Buffer, random: Random) => Buffer)[] = [
  // A bit flipped: not always UTF-8 any more.
  (text, random) => {
    const copy = Buffer.from(text)
    const at = random(copy.length)
    if (copy.length > 0) copy[at] = copy[at]! ^ (1 << random(8))
    return copy
  },
  (text, random) => text.subarray(0, random(text.length + 1)),
  (text, random) => splice(text, random, Buffer.from(scraps[random(scraps.length)]!)),
  // Something cut out, something put in twice.
  (text, random) => splice(text, random, Buffer.alloc(0), random(30)),
  (text, random) => splice(text, random, text.subarray(random(text.length + 1), random(text.length + 1))),
  // A line moved.
  (text, random) => {
    const lines = text.toString('latin1').split('\n')
    const [line] = lines.splice(random(lines.length), 1)
    lines.splice(random(lines.length + 1), 0, line!)
    return Buffer.from(lines.join('\n'), 'latin1')
  },
  // A value replaced by one of another type.
  (text, random) => {
    const values = ['3', '-1', '2.5', 'true', '"x"', '[]', '[1]', '{}', '{ a = 1 }', '1979-05-27', '""']
    const lines = text.toString('latin1').split('\n')
    const at = random(lines.length)
    lines[at] = lines[at]!.replace(/=.*/, `= ${values[random(values.length)]}`)
    return Buffer.from(lines.join('\n'), 'latin1')
  },
]

function splice(text: Buffer, random: Random, put: Buffer, remove = 0): Buffer {
  const at = random(text.length + 1)
  return Buffer.concat([text.subarray(0, at), put, text.subarray(at + remove)])
}

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kernelswap-fuzz-'))
})
afterAll(() => rm(directory, { recursive: true }))

// A file must belong to root, so only root can make one that is accepted.
describe.runIf(process.getuid?.() === 0)('a configuration that something went wrong with', () => {
  test('1,000 mutated files: each is taken as valid, or refused with file and reason', {
    timeout: 120_000,
  }, async () => {
    const random = generator(20)
    const file = join(directory, '10.toml')
    const ends = { accepted: 0, refused: 0 }
    for (let round = 0; round < 1000; round += 1) {
      let text = Buffer.from(good)
      for (let count = 1 + random(3); count > 0; count -= 1)
        text = Buffer.from(mutations[random(mutations.length)]!(text, random))
      await writeFile(file, text, { mode: 0o644 })
      const ended = await loadConfiguration([directory]).catch((error: unknown) => error)
      const shown = `round ${round}: ${JSON.stringify(text.toString('latin1'))}`
      if (ended instanceof Error) {
        expect(ended, `${shown}: ${ended.stack}`).toBeInstanceOf(Failure)
        expect((ended as Failure).kind, shown).toBe('configuration')
        expect(ended.message, shown).toMatch(
          /^\S+\/10\.toml(:\d+: .+; correct the file\.| can't be read: .+; correct or remove it\.)$|^fleet-lock\.url: expected .+ in \S+\.$/s,
        )
        ends.refused += 1
      } else {
        expect(ended, shown).toMatchObject({ keep: expect.any(Number), unit: expect.any(Object) })
        ends.accepted += 1
      }
    }
    // Mutations that always break the file, or never do, would test half of it.
    expect(ends.accepted).toBeGreaterThan(50)
    expect(ends.refused).toBeGreaterThan(300)
    // Nobody's prototype was set on the way.
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
