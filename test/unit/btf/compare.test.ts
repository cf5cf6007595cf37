import { expect, test } from 'vitest'
import type { TypeSource } from '../../../src/btf/compare.ts'
import { compareTypes } from '../../../src/btf/compare.ts'
import { Identities } from '../../../src/btf/identities.ts'
import { layoutOf, namedRecords } from '../../../src/btf/layout.ts'
import { kernelOf, moduleOf } from './fixtures.ts'

const before = kernelOf('before.elf')
const after = kernelOf('after.elf')
const changes = compareTypes([before], [after])
const named = (name: string) => changes.records.find((record) => record.name === name)

test('a kernel is the same as itself', () => {
  expect(compareTypes([before], [before])).toMatchObject({
    records: [],
    enumerations: [],
    exports: { changed: [], added: [], removed: [] },
  })
})

test('a structure that grew by a member is changed, one that holds it carries that on, a pointer to it does not', () => {
  expect(named('struct grown')).toMatchObject({
    effect: 'changed',
    bytes: 8,
    added: ['between'],
    moved: ['last'],
  })
  expect(named('struct holder')).toMatchObject({
    effect: 'carried',
    bytes: 8,
    moved: ['behind'],
    added: [],
    retyped: [],
  })
  expect(named('struct pointing')).toBeUndefined()
})

test('holes and reserved bytes that are used are told apart from members that move', () => {
  expect(named('struct filled')).toMatchObject({
    effect: 'padding',
    bytes: 0,
    added: ['more', 'used'],
    moved: [],
    removed: [],
    retyped: [],
  })
})

test('names, typedefs, qualifiers and members without a size change nothing', () => {
  expect(named('struct renamed')).toMatchObject({
    effect: 'names',
    renamed: ['name → called'],
    retyped: [],
    moved: [],
  })
})

test('nameless structures are looked into, and regrouping alone is no change', () => {
  expect(named('struct grouped')).toMatchObject({
    effect: 'changed',
    retyped: ['part.y (u32 → u8)'],
    moved: [],
    added: [],
    removed: [],
  })
})

test('bit fields are told by their width and their place within a word', () => {
  expect(named('struct bits')).toMatchObject({
    effect: 'changed',
    retyped: ['two (u32:2 → u32:3)'],
    moved: ['three'],
  })
})

test('a structure that only a typedef names is known by that name', () => {
  expect(named('counter_t')).toMatchObject({ effect: 'changed', bytes: 4, added: ['owner'] })
})

test('a pointer to a function that is called in another way is another type, and the only one there', () => {
  expect(named('struct operations')).toMatchObject({
    effect: 'changed',
    bytes: 0,
    retyped: ['close (int (*)(struct pointing *) → int (*)(struct pointing *, u64))'],
  })
})

test('one more way to see the same bytes is a change: what lies there already was never that', () => {
  expect(named('union seen')).toMatchObject({ effect: 'changed', added: ['halves'], bytes: 0 })
})

test('what only one of the two kernels has is no change', () => {
  expect(changes.records.map(({ name }) => name)).not.toContain('struct only_after')
  expect(changes.records.map(({ name }) => name)).not.toContain('struct only_before')
})

test('values that enumerations add and renumber are told, also of one without a name', () => {
  expect(changes.enumerations).toEqual([
    expect.objectContaining({ name: 'enum state', added: ['WAITING'], renumbered: ['BUSY (1 → 2)'] }),
    expect.objectContaining({ name: 'enum {FLAG_A, …}', added: ['FLAG_C'], renumbered: [] }),
  ])
})

test('an exported function that is called in another way is told as in C', () => {
  expect(changes.exports?.changed).toEqual([
    {
      name: 'exported',
      source: 'vmlinux',
      before: 'int exported(struct pointing *, u32)',
      after: 'int exported(struct pointing *, u64)',
    },
  ])
})

test('exports that come and go are told', () => {
  const fewer = { ...after, exports: ['exported', 'added'] }
  expect(compareTypes([before], [fewer])).toMatchObject({
    exports: { added: ['added'], removed: ['unchanged'] },
  })
})

test('exports that are not known of both are not taken for none', () => {
  expect(compareTypes([{ ...before, exports: null }], [after]).exports).toBeNull()
  expect(compareTypes([before], [{ ...after, exports: null }]).exports).toBeNull()
})

test("a module's types go on where the kernel's end", () => {
  const module = moduleOf(before)
  expect(module.exports).toEqual(['of_module'])
  expect(compareTypes([before], [before, module])).toMatchObject({
    records: [],
    exports: { added: ['of_module'] },
  })
  const own = namedRecords(module.btf).find(({ name }) => name === 'struct private')!
  expect(layoutOf(module.btf, own.id, new Identities()).places).toMatchObject([
    { name: 'shared', bitOffset: 0, bits: 64, typeName: 'struct pointing *' },
    { name: 'own', bitOffset: 64, bits: 32, typeName: 'int' },
  ])
})

/** The kernel's types as those of a module of this name: structures of one name are many then. */
const as = (name: string, source: TypeSource): TypeSource => ({ ...source, name })

test('structures of one name stay with their modules, whatever the others become', () => {
  const result = compareTypes([as('one', before), as('two', after)], [as('one', after), as('two', after)])
  expect(result.records.find(({ name }) => name === 'struct grown')).toMatchObject({
    source: 'one',
    bytes: 8,
  })
})

test('a structure that moves to another module, or is in more of them, is none that changes', () => {
  expect(compareTypes([as('one', before)], [as('two', before), as('three', before)]).records).toEqual([])
})

test('one that changes in many modules at once is told once', () => {
  const names = (result: { records: readonly { name: string }[] }) => result.records.map(({ name }) => name)
  const both = compareTypes([as('one', before), as('two', before)], [as('one', after), as('two', after)])
  expect(names(both)).toEqual(names(changes))
  expect(new Set(both.records.map(({ source }) => source))).toEqual(new Set(['one']))
})

test('two static structures of one name that swap their modules are changed in both', () => {
  const result = compareTypes([as('one', before), as('two', after)], [as('one', after), as('two', before)])
  expect(result.records.filter(({ name }) => name === 'struct grown').map(({ bytes }) => bytes)).toEqual([
    8, -8,
  ])
})
