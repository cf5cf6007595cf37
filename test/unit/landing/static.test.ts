import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { Failure } from '../../../src/errors.ts'

const directory = new URL('../../../src/landing/static/', import.meta.url)
const names = readdirSync(directory)
const text = (name: string) => readFileSync(new URL(name, directory), 'utf8')
const scripts = names.filter((name) => text(name).startsWith('#!'))
const units = names.filter((name) => name.endsWith('.service'))

/** They run where nobody can mend them, on a machine that has just changed its kernel. */
describe.each(scripts)('%s', (name) => {
  /** Perl where shell can't do it: perl-base is part of every Debian. */
  const [interpreter, check, strict] = ['in-session', 'mend', 'wake'].includes(name)
    ? ['/usr/bin/perl', '-c', /^use strict;$/m]
    : ['/bin/sh', '-n', /^set -e?u/m]

  test('is plain shell or perl, without a syntax error', () => {
    expect(text(name).split('\n')[0]).toBe(`#!${interpreter}`)
    execFileSync(interpreter, [check], { input: text(name), stdio: 'pipe' })
  })

  test('trips over unset variables', () => {
    expect(text(name)).toMatch(strict)
  })

  test('needs no Node', () => {
    expect(text(name)).not.toMatch(/\bnode\b|kernelswap\.mjs/)
  })
})

/** Services would stand still behind a bug, or a program that failed once, until somebody logs in. */
test('whatever keeps a swap from its verdict is tried again, but for what a human must decide', () => {
  const settings = text('kernelswap-settle.service')
  const codes = (key: string) =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(settings)?.[1]?.split(' ').map(Number) ?? []
  const given = [...codes('SuccessExitStatus'), ...codes('RestartPreventExitStatus')]
  expect(settings).toMatch(/^Restart=on-failure$/m)
  for (const error of [new TypeError('a bug'), new Failure('failed', ''), new Failure('busy', '')])
    expect(given).not.toContain(exitCodeOf(error))
  expect(given).toContain(exitCodeOf(new Failure('operator', '')))
  // A verdict that isn't good ends as a failure does; by then nothing is pending.
  expect(settings).toMatch(/^ConditionPathExists=\|\/var\/lib\/kernelswap\/pending$/m)
})

describe.each(units)('%s', (name) => {
  test('is put into the package', () => {
    expect(readFileSync(new URL('../../../scripts/package', directory), 'utf8')).toContain(name)
  })

  test('waits for ever rather than give up a service', () => {
    expect(text(name)).toMatch(/^TimeoutStartSec=infinity$/m)
  })
})
