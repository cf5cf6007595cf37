import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Optional native speed-ups; the JavaScript paths do.
  external: ['*.node', 'cpu-features', 'pg-native'],
  // Half as much to parse, each time that kernelswap starts; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
}
const shebang = '#!/usr/bin/env node\n'
// CommonJS dependencies (ssh2, pg) call require for Node's own modules, and ask for their folder.
const forCommonJs =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname"

/** Bundles a program into one file that runs on Node 20 without node_modules. */
export async function bundle(entryPoint, outfile) {
  await build({ ...common, entryPoints: [entryPoint], outfile, banner: { js: `${shebang}${forCommonJs}` } })
}

/**
 * Bundles a program into a file and others beside it, NAME-*.mjs, for what not every call needs: nobody waits for the
 * rest to be parsed.
 * @returns what esbuild tells of the files (https://esbuild.github.io/api/#metafile)
 */
export async function bundleInParts(entryPoint, outfile) {
  const [directory, name] = [dirname(outfile), basename(outfile, '.js')]
  const old = new RegExp(`^${name}-\\w{8}\\.mjs$`)
  mkdirSync(directory, { recursive: true })
  for (const file of readdirSync(directory).filter((file) => old.test(file))) rmSync(join(directory, file))
  const { metafile } = await build({
    ...common,
    entryPoints: { [name]: entryPoint },
    outdir: directory,
    splitting: true,
    chunkNames: `${name}-[hash]`,
    outExtension: { '.js': '.mjs' },
    banner: { js: forCommonJs },
    metafile: true,
  })
  const whole = join(directory, `${name}.mjs`)
  writeFileSync(outfile, `${shebang}${readFileSync(whole, 'utf8')}`)
  rmSync(whole)
  return metafile
}
