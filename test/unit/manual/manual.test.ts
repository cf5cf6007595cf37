import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { defaults, loadConfiguration } from '../../../src/config/configuration.ts'
import { commandPage } from '../../../src/manual/command-page.ts'
import { bashCompletion, fishCompletion, zshCompletion } from '../../../src/manual/completions.ts'
import { configurationKeys } from '../../../src/manual/configuration-keys.ts'
import { configurationPage } from '../../../src/manual/configuration-page.ts'
import { hooksPage } from '../../../src/manual/hooks-page.ts'
import { shippedFile } from '../../../src/manual/shipped-file.ts'

const checkout = new URL('../../..', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, checkout), 'utf8')
const program = await createProgram()
const hooks = hooksPage(read('docs/hooks.md'), '0.1.0')

/** Every verb with the words that lead to it, as --help lists them: the other texts are held against this one. */
const verbs = helpedVerbs(program, [])

interface HelpedVerb {
  readonly words: readonly string[]
  /** `--kernel`, … */
  readonly options: readonly string[]
  readonly inner: readonly string[]
}

function helpedVerbs(command: Command, words: readonly string[]): HelpedVerb[] {
  const text = command.helpInformation()
  const part = (title: string) => new RegExp(`^${title}:\\n((?: .*\\n)*)`, 'm').exec(text)?.[1] ?? ''
  const options = [...part('Options').matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1]!)
  const inner = [...part('Commands').matchAll(/^ {2}([\w-]+)/gm)].map((match) => match[1]!)
  const known = inner.filter((name) => name !== 'help')
  return [
    { words, options, inner: known },
    ...known.flatMap((name) =>
      helpedVerbs(command.commands.find((each) => each.name() === name)!, [...words, name]),
    ),
  ]
}

/** A page as people read it, in one line. */
function rendered(page: string): string {
  const text = execFileSync('groff', ['-Kutf8', '-Tutf8', '-man', '-P-cbou', '-rLL=400n'], {
    input: page,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  return text.replace(/\u2010/g, '-').replace(/\s+/g, ' ')
}

const canRender = spawnSync('groff', ['--version']).status === 0

test('help has something to compare with', () => {
  expect(verbs.length).toBeGreaterThan(15)
  expect(verbs.find(({ words }) => words.join(' ') === 'run')?.options).toContain('--kernel')
  expect(verbs.find(({ words }) => words.join(' ') === 'hooks')?.inner).toEqual(['list', 'run'])
})

test.each(verbs.slice(1))('the README tells of $words', ({ words }) => {
  expect(read('README.md')).toMatch(new RegExp(`^\\|.*\`${words[0]}\\b.*\\|.*\\|$`, 'm'))
})

describe.runIf(canRender)('kernelswap(8)', () => {
  const page = commandPage(program)
  const parts = page.split('\n.SS ').map((part, index) => (index === 0 ? part : `.TH X 8\n.SS ${part}`))

  test.each(verbs)(
    'tells of $words what help tells: options, arguments, and every description',
    ({ words }) => {
      const command = words.reduce((at, word) => at.commands.find((each) => each.name() === word)!, program)
      const heading = ['kernelswap', ...words].join(' ').replaceAll('-', '\\-')
      const mine =
        words.length === 0 ? page : parts.find((part) => part.startsWith(`.TH X 8\n.SS ${heading} [`))
      expect(mine, heading).toBeDefined()
      const text = rendered(mine!)
      const help = command.createHelp()
      for (const option of help
        .visibleOptions(command)
        .filter(({ long }) => long !== '--help' || words.length === 0))
        expect(text).toContain(`${option.flags} ${help.optionDescription(option)}`.replace(/\s+/g, ' '))
      for (const argument of help.visibleArguments(command)) expect(text).toContain(argument.description)
      if (words.length > 0 && command.description() !== '')
        expect(text).toContain(command.description().replace(/\s+/g, ' '))
    },
  )

  test('has no word of what is not for people', () => {
    expect(page).not.toContain('execute')
  })
})

describe('completions', () => {
  let place = ''
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'kernelswap-completions-'))
    // What values are made of: no test may depend on this host's units and kernels.
    await writeFile(join(place, 'ls'), '#!/bin/sh\necho vmlinuz-6.12.1\n')
    await chmod(join(place, 'ls'), 0o755)
    await writeFile(
      join(place, 'systemctl'),
      '#!/bin/sh\necho redis-server.service loaded active running Redis\n',
    )
    await chmod(join(place, 'systemctl'), 0o755)
    await writeFile(join(place, 'bash'), bashCompletion(program))
    await writeFile(join(place, 'zsh'), zshCompletion(program))
    await writeFile(join(place, 'fish'), fishCompletion(program))
  })
  afterAll(() => rm(place, { recursive: true }))

  /** What bash offers for a line whose last word is being typed. */
  function offered(...words: string[]): string[] {
    const script =
      'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kernelswap; IFS=/; echo "$' +
      '{COMPREPLY[*]}"'
    const text = execFileSync(
      'bash',
      ['--norc', '-uc', script, join(place, 'bash'), 'kernelswap', ...words],
      {
        encoding: 'utf8',
        env: { PATH: `${place}:/usr/bin:/bin` },
      },
    )
    return text
      .trim()
      .split('/')
      .filter((word) => word !== '')
  }

  test.each(verbs)(
    'bash offers for $words what help lists, and nothing else',
    ({ words, options, inner }) => {
      expect(
        offered(...words, '')
          .filter((word) => !['redis-server.service', '6.12.1'].includes(word))
          .sort(),
      ).toEqual([...options, ...inner].sort())
    },
  )

  test('bash offers services where one is wanted, and only what begins as the word does', () => {
    expect(offered('run', 'red')).toEqual(['redis-server.service'])
    expect(offered('run', '--restart', '')).toEqual(['redis-server.service'])
    expect(offered('run', '--js')).toEqual(['--json'])
    expect(offered('run', '--kernel', 'no-such')).toEqual([])
    expect(offered('kernels', 'diff', '6')).toEqual(['6.12.1'])
    expect(offered('kernels', 'list', '6')).toEqual([])
    expect(offered('status', 'red')).toEqual([])
  })

  test.each(verbs)('zsh and fish know the same of $words', ({ words, options, inner }) => {
    const verb = words.map((word) => ` ${word}`).join('')
    const zsh = new RegExp(`^\t"${verb}"\\) list=\\((.*?)\\)(?:;.*)? ;;$`, 'm').exec(
      zshCompletion(program),
    )![1]!
    expect([...zsh.matchAll(/'([^:']+):[^']*'/g)].map((match) => match[1]).sort()).toEqual(
      [...inner, ...options].sort(),
    )
    const fish = fishCompletion(program)
      .split('\n')
      .filter((line) => line.includes(`= "${verb}"'`))
    const names = fish.flatMap((line) => /-l ([\w-]+)/.exec(line)?.[1] ?? [])
    expect(names.map((name) => `--${name}`).sort()).toEqual([...options].sort())
    for (const name of inner)
      expect(
        fish.some((line) => line.includes(` -a ${name} `)),
        name,
      ).toBe(true)
  })

  test.each(['zsh', 'fish'])('%s reads them without a complaint', (shell) => {
    const ended = spawnSync(shell, ['-n', join(place, shell)], { encoding: 'utf8' })
    // Where the shell isn't installed nobody can tell.
    if (ended.error === undefined)
      expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' })
  })
})

describe('kernelswap.toml(5) and the shipped file', () => {
  const keys = configurationKeys()

  test('the README shows the defaults that hold', () => {
    const readme = read('README.md').replace(/ +/g, ' ')
    for (const key of keys.filter((each) => each.default !== undefined && each.table === undefined))
      expect(readme).toContain(`\n${key.name} = ${key.default} #`)
  })

  test('every key has a description, a type and something to show', () => {
    for (const key of keys) {
      expect(key.description, key.name).not.toBe('')
      expect(key.example, key.name).toBeTruthy()
    }
    expect(keys.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...Object.keys(defaults).filter((name) => name !== 'unit'), 'policy', 'url']),
    )
  })

  test.runIf(canRender)('the page tells of every key', () => {
    const text = rendered(configurationPage('0.1.0'))
    for (const { name, description, type } of keys) {
      expect(text).toContain(`${name} ${description[0]!.toUpperCase()}${description.slice(1)}.`)
      expect(text).toContain(`(${type}`)
    }
  })

  /** Only root can make a file that is accepted. */
  test.runIf(process.getuid?.() === 0)(
    'the file as shipped changes nothing; with every line in force it is valid',
    async () => {
      const place = await mkdtemp(join(tmpdir(), 'kernelswap-shipped-'))
      try {
        await writeFile(join(place, '50-kernelswap.toml'), shippedFile(), { mode: 0o644 })
        expect(await loadConfiguration([place])).toEqual(defaults)
        await writeFile(join(place, '50-kernelswap.toml'), shippedFile().replace(/^#(?! )/gm, ''))
        expect(await loadConfiguration([place])).toMatchObject({
          ...defaults,
          unit: { 'app.service': { policy: 'preserve', tolerate: { nice: expect.any(String) } } },
          'fleet-lock': { group: 'default' },
        })
      } finally {
        await rm(place, { recursive: true })
      }
    },
  )
})

describe.runIf(canRender)('kernelswap-hooks(7)', () => {
  test('has every sentence of docs/hooks.md', () => {
    const text = rendered(hooks)
    const plain = read('docs/hooks.md')
      .replace(/^# .*\n/, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/^```\w*$/gm, '')
    const rows = plain
      .split('\n')
      .filter((line) => line !== '' && !/^\|[-|]*\|$|^\|.*(exit code|compares) *\|$/.test(line))
    for (const row of rows) {
      for (const cell of row.startsWith('|') ? row.slice(1, -1).split('|') : [row.replace(/^(- |## )/, '')]) {
        const words = cell.replaceAll('`', '').replace(/\s+/g, ' ').trim()
        expect(text.toLowerCase()).toContain(words.toLowerCase())
      }
    }
  })
})

/** Roff takes a line that begins with a dot for a request: a word that is lost this way is seen by nobody. */
test.runIf(canRender)('no page has anything that groff warns of', () => {
  for (const page of [commandPage(program), configurationPage('0.1.0'), hooks]) {
    const { stderr, status } = spawnSync('groff', ['-Kutf8', '-Tutf8', '-man', '-ww', '-z'], {
      input: page,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  }
})
