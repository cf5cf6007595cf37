// Bundles src/main.ts into one file that runs on Node 20 without node_modules.
import { chmodSync } from 'node:fs'
import { build } from 'esbuild'

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/kernelswap.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // CommonJS dependencies (ssh2, pg) call require for Node's own modules.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname",
  },
  // Optional native speed-ups; the JavaScript paths do.
  external: ['*.node', 'cpu-features', 'pg-native'],
  logLevel: 'warning',
})
chmodSync('dist/kernelswap.js', 0o755)
