import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { messageOf } from '../../src/errors.ts'
import { Printer, printable, printableJson } from '../../src/printer.ts'

test.each([
  ['colours and the clipboard', '\x1b[31mred\x1b]52;c;cm0=\x07', '\\x1b[31mred\\x1b]52;c;cm0=\\x07'],
  ['line ends: a value stays in its line', 'a\r\nb\nc\td', 'a\\r\\nb\\nc\\td'],
  ['C1 control characters', 'a\u009b2Jb\u0090c', 'a\\x9b2Jb\\x90c'],
  ['NUL and DEL', 'a\0b\x7f', 'a\\x00b\\x7f'],
  ['text that runs the other way', 'gpj.\u202etxt\u2066', 'gpj.\\u202etxt\\u2066'],
  ['what nobody sees', 'a\u200bb\u{e0041}', 'a\\u200bb\\udb40\\udc41'],
  ["Unicode's own line ends", 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['half a character', 'a\ud83d', 'a\\ud83d'],
])('shows %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown)
  expect(printable(shown)).toBe(shown)
})

test('leaves what people write as it is', () => {
  const text = 'grün → 日本語 😀 C:\\x2d é'
  expect(printable(text)).toBe(text)
})

test('cuts a line that would fill screens', () => {
  expect(printable('a'.repeat(1_000_000))).toBe(`${'a'.repeat(10_000)}… (1000000 characters)`)
})

test('JSON is the same document, and harmless', () => {
  const document = { name: '\x1b[2J\u009b\u202e\x7f😀\n', list: [1, '\ud800'] }
  for (const text of [JSON.stringify(document), JSON.stringify(document, null, 2)]) {
    expect(JSON.parse(printableJson(text))).toEqual(document)
    expect(printableJson(text)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  }
})

test('a reader that takes nothing is not waited for for ever', async () => {
  const reader = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const printer = new Printer(reader.stdin)
  printer.lines(Array(500).fill('x'.repeat(9999)))
  expect(messageOf(await printer.flush(0.1))).toBe('nobody read it for 0.1 s')
  reader.kill()
})
