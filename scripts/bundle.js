import { build } from 'esbuild'

/** Bundles a program into one file that runs on Node 20 without node_modules. */
export async function bundle(entryPoint, outfile) {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // CommonJS dependencies (ssh2, pg) call require for Node's own modules, and ask for their folder.
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname",
    },
    // Optional native speed-ups; the JavaScript paths do.
    external: ['*.node', 'cpu-features', 'pg-native'],
    // Half as much to parse, each time that kernelswap starts; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  })
}
