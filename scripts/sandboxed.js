// Runs a program inside the sandbox of rehearsals (root only), such as the tests in machines:
//   node scripts/sandboxed.js vitest run --project machine
import { bundle } from './bundle.js'

await bundle('test/machine/sandboxed.ts', 'dist/sandboxed.js')
await import('../dist/sandboxed.js')
