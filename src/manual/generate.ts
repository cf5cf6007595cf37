import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createProgram } from '../cli/program.ts'
import { taskLibrary } from '../tools/task-library.ts'
import { commandPage } from './command-page.ts'
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts'
import { configurationPage } from './configuration-page.ts'
import { hooksPage } from './hooks-page.ts'
import { jsonSchemas } from './json-schemas.ts'
import { shippedFile } from './shipped-file.ts'

/**
 * Writes what the package brings beside the program and is made from it: `generate DIRECTORY`, run in the checkout by
 * scripts/build.js.
 */
const directory = process.argv[2]!
const program = await createProgram()
const version = program.version()!
const files: Readonly<Record<string, string>> = {
  'kernelswap.8': commandPage(program),
  'kernelswap.toml.5': configurationPage(version),
  'kernelswap-hooks.7': hooksPage(await readFile('docs/hooks.md', 'utf8'), version),
  'kernelswap.bash': bashCompletion(program),
  _kernelswap: zshCompletion(program),
  'kernelswap.fish': fishCompletion(program),
  '50-kernelswap.toml': shippedFile(),
  ...Object.fromEntries(Object.entries(jsonSchemas()).map(([name, text]) => [`schemas/${name}`, text])),
  // Of the landing's `mend`.
  'tasks.pl': taskLibrary,
}
await mkdir(join(directory, 'schemas'), { recursive: true })
for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
// Commander's commands hold nothing open, but what they import may.
process.exit()
