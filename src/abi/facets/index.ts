import type { Facet } from '../facet.ts'
import { credentials } from './credentials.ts'
import { files } from './files.ts'
import { identity } from './identity.ts'
import * as own from './own.ts'
import { resources } from './resources.ts'
import { signals } from './signals.ts'
import { sockets } from './sockets.ts'

/** Every facet, in the order of the report: tables of those that compare one field, and those with a thought of their own. */
export const facets: readonly Facet[] = [
  ...credentials,
  ...identity,
  ...resources,
  ...signals,
  ...files,
  ...sockets,
  ...Object.values(own),
].sort((a, b) => a.name.localeCompare(b.name, 'en'))
