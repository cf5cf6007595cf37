// Bundles src/main.ts into the program that users run, and writes what is made from it: manual pages, completions, the
// configuration file that the package brings, and JSON schemas.
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { bundle, bundleInParts } from './bundle.js'

await bundleInParts('src/main.ts', 'dist/kernelswap.js')
chmodSync('dist/kernelswap.js', 0o755)
await bundle('src/manual/generate.ts', 'dist/generate.js')
execFileSync(process.execPath, ['dist/generate.js', 'dist/manual'], { stdio: 'inherit' })
