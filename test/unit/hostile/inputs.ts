import type { Argument, Command, Option } from 'commander'
import { createProgram } from '../../../src/cli/program.ts'
import { configurationSchema } from '../../../src/config/configuration.ts'
import { blocksOf, type Member } from './archive.ts'
import type { Chance } from './random.ts'

/** One hostile input: files that are there beforehand, and a command line. */
export interface Input {
  readonly kind: string
  readonly words: readonly string[]
  readonly files: readonly {
    readonly path: string
    readonly content: string | Buffer
    readonly mode?: number
  }[]
}

/** Words that nobody means well, and some that somebody may. */
const words = [
  '',
  ' ',
  '-',
  '--',
  '--=',
  '-1',
  '0',
  'NaN',
  '1e308',
  '99999999999999999999',
  '../../../../../../tmp/x',
  '/dev/zero',
  '/dev/full',
  '/proc/self/mem',
  '/',
  '.',
  '\x1b[2J\x1b]52;c;eA==\x07',
  'a\r\nb',
  '\u202egnp.exe\u2066',
  '\u009b31m',
  "'; touch /tmp/owned; '",
  '$(touch /tmp/owned)',
  '`touch /tmp/owned`',
  '%n%s%i',
  '*',
  'x'.repeat(5000),
  'no-such.service',
  'php8.4-fpm',
  'a@b@c.service',
  'x.target',
  '\\x2d\\x',
  'ssh',
  '20990101000000',
  '00000000000000',
  'vmlinuz-9.9.9.old',
  '6.1.0',
  '__proto__',
  'constructor',
  'ä'.repeat(300),
  '🦜',
  '-o ProxyCommand=x',
]

/** Ready-made inputs of every kind, `count` of them in turn. */
export function inputs(count: number, chance: Chance): Input[] {
  const kinds = [commandLine, commandLine, configuration, stateFile, snapshotFile, archive, hook] as const
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length]!(chance))
}

const verbs = leaves(await createProgram())

function leaves(command: Command): Command[] {
  const below = command.commands.flatMap(leaves)
  return below.length > 0 ? below : [command]
}

function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

/** A verb with some of its options and arguments, each with a word that is none of ours. */
function commandLine(chance: Chance): Input {
  const verb = chance.one(verbs)
  const options = verb.options
    .filter(() => chance.below(3) === 0)
    .flatMap((option) => optionOf(option, chance))
  const args = verb.registeredArguments.flatMap((argument) => argumentsOf(argument, chance))
  const extra = chance.below(5) === 0 ? [chance.one(words)] : []
  // Nothing may wait for an answer, and nobody is there to give one.
  return { kind: 'command line', words: [...pathOf(verb), ...options, ...args, ...extra], files: [] }
}

function optionOf(option: Option, chance: Chance): string[] {
  const name = option.long ?? option.short ?? ''
  return option.required || option.optional ? [name, chance.one(words)] : [name]
}

function argumentsOf(argument: Argument, chance: Chance): string[] {
  const most = argument.variadic ? 3 : 1
  const count = chance.below(most + 1)
  return Array.from({ length: argument.required ? Math.max(1, count) : count }, () => chance.one(words))
}

const keys = Object.keys(configurationSchema.shape)

/** A file of settings: keys of the schema and others, with values of every form, then damaged here and there. */
function configuration(chance: Chance): Input {
  const lines = Array.from(
    { length: 1 + chance.below(6) },
    () => `${keyOf(chance)} = ${settingOf(chance, 0)}`,
  )
  const section =
    chance.below(2) === 0 ? [`[unit.${JSON.stringify(chance.one(words))}]`, 'policy = "preserve"'] : []
  const text = chance.one([
    () => [...lines, ...section].join('\n'),
    () => damaged(Buffer.from([...lines, ...section].join('\n')), chance),
    () => `${'a.'.repeat(20_000)}b = 1`,
    () => `keep = ${'['.repeat(5000)}`,
    () =>
      Array.from({ length: 4000 }, (_, index) => `[unit."u${index}.service"]\npolicy = "ignore"`).join('\n'),
  ])()
  const verb = chance.one([['config', 'check'], ['config', 'show', '--json'], ['status'], ['hooks', 'list']])
  return {
    kind: 'configuration',
    words: verb,
    files: [{ path: '/etc/kernelswap/config.d/50-x.toml', content: text }],
  }
}

function keyOf(chance: Chance): string {
  return chance.below(4) === 0 ? JSON.stringify(chance.one(words)) : chance.one(keys)
}

function settingOf(chance: Chance, depth: number): string {
  const simple = [
    'true',
    '-1',
    '3.5',
    '1979-05-27',
    '""',
    'inf',
    JSON.stringify(chance.one(words)),
    '99999999999',
  ]
  if (depth > 3 || chance.below(3) > 0) return chance.one(simple)
  const inner = () => settingOf(chance, depth + 1)
  return chance.one([`[${inner()}, ${inner()}]`, `{ ${keyOf(chance)} = ${inner()} }`])
}

const swap = '/var/lib/kernelswap/swaps/20260101000000'
const plan = {
  ...{ schema: 'kernelswap.plan/1', kernel: { from: '6.1', to: '6.2' }, ready: true, strict: false, keep: 2 },
  ...{ watchdogSeconds: 0, host: [], workloads: [] },
}
const step = {
  version: 1,
  time: 1,
  boot: 'a',
  kernel: '6.1',
  kind: 'step',
  phase: 'stage',
  step: 'load-kernel',
}
const report = {
  ...{ schema: 'kernelswap.report/1', id: '20260101000000', verdict: 'swapped', reason: null },
  ...{ kernel: { from: '6.1', to: '6.2', running: '6.2' }, workloads: [], timeline: [] },
}

/** A swap of some time ago, one of whose files isn't what it was. */
function stateFile(chance: Chance): Input {
  const whole: Record<string, string> = {
    'plan.json': JSON.stringify(plan),
    'journal.jsonl': `${JSON.stringify(step)}\n${JSON.stringify({ ...step, kind: 'verdict', verdict: 'swapped' })}\n`,
    'report.json': JSON.stringify(report),
  }
  const victim = chance.one(Object.keys(whole))
  const files = Object.entries(whole).map(([name, text]) => ({
    path: `${swap}/${name}`,
    content: name === victim ? damaged(Buffer.from(text), chance) : text,
  }))
  const verb = chance.one([
    ['status'],
    ['status', '--json'],
    ['report'],
    ['report', '20260101000000', '--json'],
    ['resume'],
    ['abandon', '--yes'],
    ['doctor'],
    ['execute', '20260101000000'],
    ['plan', '--no-trial'],
  ])
  return { kind: 'state', words: verb, files }
}

const snapshot = {
  ...{
    schema: 'kernelswap.snapshot/1',
    takenAt: '2026-01-01T00:00:00Z',
    kernel: '6.1',
    bootId: 'a',
    strict: false,
  },
  ...{
    milliseconds: 1,
    workload: {},
    tasks: [{ pid: 1, comm: 'a', facets: { nice: { value: 1 } }, threads: [] }],
  },
}

function snapshotFile(chance: Chance): Input {
  const files = ['/tmp/one.json', '/tmp/two.json'].map((path) => ({
    path,
    content: damaged(Buffer.from(JSON.stringify(snapshot)), chance),
  }))
  return { kind: 'snapshots', words: ['diff', ...files.map(({ path }) => path)], files }
}

/** A bundle whose members are of every kind and name that tar knows. */
function archive(chance: Chance): Input {
  const names = [
    'index.json',
    'plan.json',
    '../x',
    '/etc/passwd',
    'a/../../b',
    'workloads/x/images/a',
    ...words.slice(0, 20),
  ]
  const members = Array.from({ length: 1 + chance.below(5) }, (): Member => {
    const content = chance.one([JSON.stringify(plan), JSON.stringify({ schema: 'kernelswap.bundle/2' }), ''])
    return {
      name: chance.one(names),
      type: chance.one([...'0123457gxDVMSLK']),
      link: chance.one(names),
      content,
    }
  })
  const content = damaged(blocksOf(members), chance)
  const verb = chance.one([
    ['bundle', 'inspect', '/tmp/x.bundle'],
    ['bundle', 'inspect', '--json', '/tmp/x.bundle'],
    ['bundle', 'restore', '--yes', '/tmp/x.bundle'],
  ])
  return { kind: 'archive', words: verb, files: [{ path: '/tmp/x.bundle', content }] }
}

/** A hook of the administrator's that answers as no hook should. */
function hook(chance: Chance): Input {
  const body = chance.one([
    '#!/bin/sh\nprintf "\\033]0;x\\007\\n" >&2; exit 10\n',
    '#!/bin/sh\r\nexit 0\r\n',
    '#!/no/such/interpreter\n',
    `#!/bin/sh\nhead -c 20000000 /dev/zero\n`,
    '#!/bin/sh\nkill -9 $$\n',
    `#!/usr/bin/perl\nprint '[' x 100000\n`,
    '',
    '\x7fELF',
    '#!/bin/sh\necho \'{"level":"difference","message":"\\u001b[2J"}\'; exit 1\n',
  ])
  const path = `/etc/kernelswap/hooks.d/all/50-${chance.one(['x', 'y z', '\x1b[31m', '..', 'ä'])}`
  const verb = chance.one([
    ['hooks', 'list'],
    ['hooks', 'list', '--json'],
    ['hooks', 'run', 'x.service', chance.one(['check', 'capture', 'verify', 'frob'])],
  ])
  return {
    kind: 'hook',
    words: verb,
    files: [{ path, content: body, mode: chance.one([0o755, 0o644, 0o777]) }],
  }
}

/** The bytes as they are, cut short, with others in them, or turned here and there. */
function damaged(bytes: Buffer, chance: Chance): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length === 0) return copy
  const at = chance.below(copy.length)
  switch (chance.below(6)) {
    case 0:
      return copy
    case 1:
      return copy.subarray(0, at)
    case 2:
      return Buffer.concat([copy.subarray(0, at), Buffer.from(chance.one(words)), copy.subarray(at)])
    case 3:
      return Buffer.concat([copy, copy])
    case 4:
      return Buffer.alloc(copy.length)
    default:
      for (let turn = 0; turn < 4; turn += 1) copy[chance.below(copy.length)]! ^= 1 << chance.below(8)
      return copy
  }
}
