import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { shellCommand } from '../../../src/host/quote.ts'

test.each([
  [['uname', '-r'], 'uname -r'],
  [['echo', "it's"], `echo 'it'\\''s'`],
  [['echo', ''], "echo ''"],
  [['~', '#', '*'], "'~' '#' '*'"],
])('%j becomes %s', (words, line) => {
  expect(shellCommand(words)).toBe(line)
})

test('a shell takes the line apart into the same words', () => {
  const words = [
    '',
    ' ',
    "'",
    '"',
    '\\',
    '$HOME',
    '`id`',
    'a\nb',
    '!',
    '*',
    '~',
    '-n',
    'ä',
    "'\\''",
    ';',
    '&&',
    '#',
  ]
  const printed = execFileSync('sh', ['-c', shellCommand(['printf', '%s\\0', ...words])], {
    encoding: 'utf8',
  })
  expect(printed.split('\0').slice(0, -1)).toEqual(words)
})

test('a NUL byte is refused: it would cut the argument short', () => {
  expect(() => shellCommand(['echo', 'a\0b'])).toThrow(RangeError)
})
