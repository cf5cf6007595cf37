import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { complaintsAbout } from './units.ts'

const directory = new URL('../../../src/landing/static/', import.meta.url)
const names = readdirSync(directory).filter((name) => name.endsWith('.service'))
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0

describe.runIf(canVerify)('systemd-analyze verify', () => {
  test.each(names)('%s', (name) => {
    expect(complaintsAbout({ [name]: readFileSync(new URL(name, directory), 'utf8') })).toBe('')
  })

  test('would complain', () => {
    const text = readFileSync(new URL(names[0]!, directory), 'utf8')
    expect(complaintsAbout({ [names[0]!]: text.replace('Type=oneshot', 'Typ=oneshot') })).toMatch(/Typ/)
    expect(complaintsAbout({ [names[0]!]: text.replace(/^ExecStart=.*$/m, 'ExecStart=/no/such') })).toMatch(
      /no\/such/,
    )
  })
})
