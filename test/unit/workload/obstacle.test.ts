import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { obstacleCodes } from '../../../src/workload/obstacle.ts'

/** Programs look at codes: one that isn't explained is of no use, nor is an explanation of one that never comes. */
test('docs/limits.md explains every code of an obstacle once, and no other', () => {
  const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \| \S.* \| \S.* \|$/gm)].map(([, code]) => code)
  expect(documented.toSorted()).toEqual(obstacleCodes.toSorted())
})

test('codes are unique, and in kebab-case', () => {
  expect(new Set(obstacleCodes).size).toBe(obstacleCodes.length)
  for (const code of obstacleCodes) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/)
})
