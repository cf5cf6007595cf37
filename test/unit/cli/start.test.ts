import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'

const checkout = new URL('../../..', import.meta.url).pathname
const place = mkdtempSync(join(tmpdir(), 'kernelswap-start-'))
afterAll(() => rmSync(place, { recursive: true }))

/** As esbuild tells it (https://esbuild.github.io/api/#metafile). */
interface Part {
  readonly bytes: number
  readonly entryPoint?: string
  readonly imports: readonly { readonly path: string; readonly kind: string; readonly external?: boolean }[]
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
}

/** What is loaded with one part, itself included: its imports, and theirs, but what is imported later. */
function loadedWith(parts: Readonly<Record<string, Part>>, name: string, loaded = new Set<string>()): Part[] {
  loaded.add(name)
  for (const { path, kind, external } of parts[name]!.imports)
    if (kind === 'import-statement' && !external && !loaded.has(path)) loadedWith(parts, path, loaded)
  return [...loaded].map((each) => parts[each]!)
}

function librariesIn(parts: readonly Part[]): string[] {
  const inputs = parts.flatMap(({ inputs }) => Object.entries(inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  return [...new Set(used.flatMap((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? []))]
}

test('the program starts with little: what verbs need is loaded with them, and SSH and clients with what uses them', () => {
  const script = `import { bundleInParts } from './scripts/bundle.js'
    console.log(JSON.stringify(await bundleInParts('src/main.ts', ${JSON.stringify(join(place, 'kernelswap.js'))})))`
  const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: checkout,
    encoding: 'utf8',
  })
  const { outputs } = JSON.parse(told) as { outputs: Record<string, Part> }
  const named = (entry: string) => Object.keys(outputs).find((name) => outputs[name]!.entryPoint === entry)!
  const start = loadedWith(outputs, named('src/main.ts'))
  expect(librariesIn(start)).toEqual(['commander'])
  expect(start.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(100_000)
  expect(start.length).toBeLessThanOrEqual(5)
  const verbs = librariesIn(loadedWith(outputs, named('src/cli/host-verbs.ts')))
  expect(verbs).toContain('zod')
  for (const library of ['ssh2', 'pg']) expect(verbs).not.toContain(library)
})

test('a verb comes with those that it may ask for, and without those that take long to load', async () => {
  const known = async (...words: string[]) => (await createProgram(words)).commands.map((verb) => verb.name())
  const [run, rehearse] = [await known('--host', 'a', 'run'), await known('rehearse')]
  expect(run).toContain('plan')
  expect(run).not.toContain('rehearse')
  expect(rehearse).toContain('box')
  expect(await known()).toEqual(expect.arrayContaining([...run, ...rehearse]))
})

test('a verb is told from its name anywhere in the line, and a mistyped one still gets advice', () => {
  const program = join(place, 'kernelswap.js')
  const said = (...words: string[]) => {
    try {
      return execFileSync(process.execPath, [program, ...words], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      return (error as { stderr: string }).stderr
    }
  }
  expect(said('--host', 'run', 'status', '--help')).toMatch(/^Usage: kernelswap status /)
  expect(said('help', 'rehearse')).toMatch(/^Usage: kernelswap rehearse /)
  expect(said('statsu')).toContain('(Did you mean status?)')
  expect(said('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
})
