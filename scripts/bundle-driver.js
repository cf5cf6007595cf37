// Bundles a program that tests run inside a machine, or the bench: node scripts/bundle-driver.js ENTRY OUTPUT
import { bundle } from './bundle.js'

await bundle(process.argv[2], process.argv[3])
