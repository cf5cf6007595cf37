// Bundles src/main.ts into the program that users run.
import { chmodSync } from 'node:fs'
import { bundle } from './bundle.js'

await bundle('src/main.ts', 'dist/kernelswap.js')
chmodSync('dist/kernelswap.js', 0o755)
