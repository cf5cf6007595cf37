import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { keyLines } from '../../../src/config/lines.ts'

const lines = String.raw`# keep = 0
keep = 1 # [no.table]

list = [ # x = 1
  "a", "]", # "
  'b = 3',
]
long = """
fake = 1
[fake]\
"""""
raw = '''
fake = 1 ''''
[ a . "b=]".c ]
d.e = '#'
"q\u0041\"" = "\\"
[[many]]
in = { x = 1, y.z = [ 1,
  2 ] }
[a."b=]"]
last = 1`

/** A mistake that is named by the wrong line is looked for in the wrong place. */
test.each([
  [['keep'], 2],
  [['list'], 4],
  [['list', 1], 4],
  [['long'], 8],
  [['raw'], 12],
  [['a', 'b=]', 'c'], 14],
  [['a', 'b=]', 'c', 'd', 'e'], 15],
  [['a', 'b=]', 'c', 'qA"'], 16],
  [['many'], 17],
  [['many', 0, 'in'], 17],
  [['a', 'b=]'], 14],
  [['a', 'b=]', 'last'], 21],
  [['a', 'b=]', 'missing', 'key'], 14],
  [['fake'], 1],
  [[], 1],
])('%j is in line %i', (path, line) => {
  expect(parse(lines)).toBeTypeOf('object')
  expect(keyLines(lines)(path)).toBe(line)
})

test('lines that end as on other systems count as one', () => {
  expect(keyLines('a = 1\r\n\r\n[b]\r\nc = """\r\n"""\r\nd = 2\r\n')(['b', 'd'])).toBe(6)
})
