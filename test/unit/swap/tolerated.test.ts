import { expect, test } from 'vitest'
import type { Configuration } from '../../../src/config/configuration.ts'
import { Failure } from '../../../src/errors.ts'
import { refuseUnknownFacets } from '../../../src/swap/tolerated.ts'

function tolerating(tolerate: Record<string, string>): Configuration {
  return {
    keep: 2,
    fallback: 'boot-loader',
    'watchdog-seconds': 240,
    unit: { 'app.service': { tolerate }, 'other.service': {} },
  }
}

test('facets that are known may be tolerated', () => {
  expect(() => refuseUnknownFacets(tolerating({ nice: 'it renices itself' }))).not.toThrow()
})

test('a facet that nobody knows is refused before a swap, with the unit and what is known', () => {
  const mistyped = () => refuseUnknownFacets(tolerating({ 'fd-ofsets': 'it reads on' }))
  expect(mistyped).toThrow(Failure)
  expect(mistyped).toThrow(
    /^unit."app.service".tolerate: fd-ofsets is no facet; correct it. Known are .*fd-offsets/,
  )
})
