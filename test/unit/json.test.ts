import { expect, test } from 'vitest'
import { parseJson } from '../../src/json.ts'

test('JSON is parsed up to a depth that everything else can follow', () => {
  const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
  expect(parseJson(nested(100))).toEqual(JSON.parse(nested(100)))
  expect(() => parseJson(nested(102))).toThrow(SyntaxError)
  expect(() => parseJson(nested(100_000))).toThrow('it is nested deeper than 100 levels')
  expect(() => parseJson('{')).toThrow(SyntaxError)
  expect(parseJson('null')).toBeNull()
})
