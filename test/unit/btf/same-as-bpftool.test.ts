import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { Btf } from '../../../src/btf/btf.ts'
import { Identities, isEnumeration, isRecord } from '../../../src/btf/identities.ts'
import { layoutOf, namedRecords } from '../../../src/btf/layout.ts'

// There are ten thousand structures, and a busy machine takes its time for them.
vi.setConfig({ testTimeout: 120_000 })

const running = '/sys/kernel/btf/vmlinux'
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
const has = (program: string) =>
  existsSync(running) && spawnSync(program, ['--version'], { env: environment }).status === 0
const printed = (program: string, ...args: string[]) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  })

/** What `bpftool -j btf dump` tells of a type. */
interface Told {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly size?: number
  readonly members?: readonly { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[]
  readonly values?: readonly { name: string }[]
}
/** The first few that are not the same; a matcher takes a minute for as many. */
const differing = (read: readonly unknown[], told: readonly unknown[]) =>
  read
    .map((each, index) => ({ read: each, told: told[index] }))
    .filter((pair) => JSON.stringify(pair.read) !== JSON.stringify(pair.told))
    .slice(0, 3)
const nameOf = (name: string) => (name === '(anon)' ? '' : name)

test.runIf(has('bpftool'))(
  'every structure and enumeration of the running kernel is read as bpftool reads it',
  () => {
    const btf = new Btf(readFileSync(running))
    const { types } = JSON.parse(printed('bpftool', '-j', 'btf', 'dump', 'file', running)) as {
      types: Told[]
    }
    expect(btf.end - 1).toBe(types.length)
    const records = types.filter(({ id }) => isRecord(btf, id))
    expect(records.length).toBeGreaterThan(1000)
    expect(records.length).toBe(types.filter(({ kind }) => /^(STRUCT|UNION)$/.test(kind)).length)
    const read = records.map(({ id }) => ({
      name: btf.name(id),
      size: btf.size(id),
      members: btf.members(id),
    }))
    const told = records.map(({ name, size, members = [] }) => ({
      name: nameOf(name),
      size,
      members: members.map((member) => ({
        name: nameOf(member.name),
        type: member.type_id,
        bitOffset: member.bits_offset,
        bitSize: member.bitfield_size ?? 0,
      })),
    }))
    expect(differing(read, told)).toEqual([])
    const enumerations = types.filter(({ id }) => isEnumeration(btf, id))
    const namesRead = enumerations.map(({ id }) => btf.enumerators(id).map(({ name }) => name))
    const namesTold = enumerations.map(({ values = [] }) => values.map(({ name }) => name))
    expect(differing(namesRead, namesTold)).toEqual([])
  },
)

/** `	u32  flags:3;  /*  12: 4  4 *`: a member's place as pahole prints it. */
const memberLine =
  /^\t[^\t/].*?\b(\w+)(?:\[[\d\][]*\])*(?::(\d+))?;\s+\/\*\s+(\d+)(?::\s*(\d+))?\s+(\d+) \*\/$/

test.runIf(has('pahole'))('a thousand structures lie as pahole says', () => {
  const btf = new Btf(readFileSync(running))
  const identities = new Identities()
  const once = new Map<string, number>()
  const seen = new Set<string>()
  for (const { name, id } of namedRecords(btf)) {
    if (seen.has(name)) once.delete(name)
    // One with nameless structures in it is printed in another way than it is laid out here.
    else if (name.startsWith('struct ') && btf.members(id).every((member) => member.name !== ''))
      once.set(name, id)
    seen.add(name)
  }
  const wanted = [...once.keys()].slice(0, 2000).map((name) => name.slice('struct '.length))
  const text = printed('pahole', '-F', 'btf', '-C', wanted.join(), running)
  const read: unknown[] = []
  const printedBy: unknown[] = []
  for (const [, name, body, size] of text.matchAll(/^struct (\w+) \{\n([\s\S]*?)\n\t?\/\* size: (\d+),/gm)) {
    const id = once.get(`struct ${name}`)
    const lines = body!.split('\n').filter((line) => line.includes(';'))
    const members = lines.map((line) => memberLine.exec(line))
    // Pointers to functions and structures within are printed over other lines.
    if (id === undefined || members.some((member) => member === null)) continue
    const layout = layoutOf(btf, id, identities)
    const told = members.map((member) => {
      const [, its, bits, byte, bit, bytes] = member!
      return {
        name: its,
        bitOffset: Number(byte) * 8 + Number(bit ?? 0),
        bits: bits === undefined ? Number(bytes) * 8 : Number(bits),
      }
    })
    read.push({
      name,
      bytes: layout.bytes,
      places: layout.places.map(({ name: its, bitOffset, bits }) => ({ name: its, bitOffset, bits })),
    })
    printedBy.push({ name, bytes: Number(size), places: told })
  }
  expect(differing(read, printedBy)).toEqual([])
  expect(read.length).toBeGreaterThanOrEqual(1000)
})
