import { expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import type { Snapshot } from '../../../src/abi/snapshot.ts'
import type { Reading } from '../../../src/abi/types.ts'

function snapshotWith(readings: Record<string, Reading>): Snapshot {
  return {
    schema: 'kernelswap.snapshot/1',
    takenAt: '2026-01-01T00:00:00.000Z',
    kernel: '6.12',
    bootId: 'boot',
    strict: false,
    milliseconds: 1,
    tasks: [{ pid: 7, comm: 'app', facets: readings, threads: [] }],
    workload: {},
  }
}

const before = snapshotWith({ umask: { value: '0022' }, personality: { value: '0' } })
const after = snapshotWith({ umask: { value: '0077' }, personality: { value: '8' } })
const line = '0022 → 0077'

test('a tolerated facet that differs counts as explained, by the reason that was configured; others still differ', () => {
  const tolerate = { umask: 'it is set anew for every file' }
  const without = diffSnapshots(before, after, { strict: false })
  const result = diffSnapshots(before, after, { strict: false, tolerate })
  expect(without.differences).toContainEqual({ task: '7 (app)', facet: 'umask', line })
  expect(result.facets.differing).toBe(without.facets.differing - 1)
  expect(result.facets.explained).toBe(without.facets.explained + 1)
  expect(result.differences.map(({ facet }) => facet)).not.toContain('umask')
  expect(result.tolerated).toEqual([
    { task: '7 (app)', facet: 'umask', line, reason: 'it is set anew for every file' },
  ])
  expect(result.explained).toContainEqual({
    facet: 'umask',
    reason: 'tolerated: it is set anew for every file',
  })
})

test('tolerating a facet doesn’t make up for reading it: it stays unverified', () => {
  const unread = snapshotWith({ umask: { unverified: 'no such file' } })
  const result = diffSnapshots(before, unread, { strict: false, tolerate: { umask: 'whatever it is' } })
  expect(result.unverified).toContainEqual({ facet: 'umask', reason: 'no such file' })
  expect(result.tolerated).toEqual([])
})

test('a tolerated facet that is equal stays equal, and nothing is said of it', () => {
  const result = diffSnapshots(before, before, { strict: false, tolerate: { umask: 'whatever it is' } })
  expect(result.tolerated).toEqual([])
  expect(result.explained).toEqual([])
})
