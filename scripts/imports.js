// Holds src to the import rules of docs/architecture.md: rooms import downwards, and no files import each other in a
// circle. Imports of types count: what can't be understood without the other can't be changed without it either.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From the top to the bottom; rooms of one line know nothing of each other. */
const rooms = [
  ['manual'],
  ['cli'],
  ['rehearsal', 'schedule'],
  ['remote'],
  ['swap'],
  ['landing', 'hooks', 'report'],
  ['workload', 'config'],
  ['network', 'abi', 'kernel'],
  ['os'],
  ['tools', 'archive'],
  ['host', 'proc', 'btf'],
]
/** What lies in no room is everybody's (errors, paths), but for the program's entry. */
const entry = 'main.ts'
/** Where a room may look at a neighbour of its own line. */
const neighbours = new Set(['archive → tools'])

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')
const files = readdirSync(source, { recursive: true }).filter((file) => file.endsWith('.ts'))
const imports = new Map(files.map((file) => [file, importsOf(file)]))
const complaints = [...upwards(), ...circles()]
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length === 0 ? 0 : 1

function importsOf(file) {
  const text = readFileSync(join(source, file), 'utf8')
  const named = text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom '(\.[^']+)'/gm)
  return [...named].map(([, path]) => relative(source, join(source, dirname(file), path)))
}

function upwards() {
  return files.flatMap((file) =>
    imports.get(file).flatMap((other) => {
      const [from, to] = [roomOf(file), roomOf(other)]
      if (other === entry) return [`src/${file} imports the entry, src/${entry}`]
      if (from === to || from === undefined || to === undefined) return []
      const isDown = lineOf(from) < lineOf(to) || neighbours.has(`${from} → ${to}`)
      return isDown ? [] : [`src/${file} imports src/${other}: ${from} lies below ${to}, or beside it`]
    }),
  )
}

function roomOf(file) {
  return file.includes('/') ? file.split('/')[0] : undefined
}

function lineOf(room) {
  const line = rooms.findIndex((names) => names.includes(room))
  if (line < 0) throw new Error(`src/${room} has no place among the rooms of scripts/imports.js`)
  return line
}

/** A file of each circle, with the way round. */
function circles() {
  const done = new Set()
  const found = []
  const visit = (file, way) => {
    if (way.includes(file)) {
      found.push(`a circle: ${[...way.slice(way.indexOf(file)), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    for (const other of imports.get(file) ?? []) visit(other, [...way, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
