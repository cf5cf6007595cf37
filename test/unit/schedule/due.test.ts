import { expect, test } from 'vitest'
import { dueKernel } from '../../../src/schedule/due.ts'

const installed = ['6.12.9-amd64', '6.12.48-amd64', '6.16.3-amd64']

test('the newest kernel is due where an older one runs', () => {
  expect(dueKernel(installed, '6.12.9-amd64', [])).toBe('6.16.3-amd64')
})

test('nothing is due while the newest one runs, whatever other packages ask for', () => {
  expect(dueKernel(installed, '6.16.3-amd64', ['libc6', 'linux-image-6.12.48-amd64'])).toBeUndefined()
})

test('a new build under the running kernel’s own release is due: nothing but the note tells', () => {
  expect(dueKernel(installed, '6.16.3-amd64', ['linux-image-6.16.3-amd64'])).toBe('6.16.3-amd64')
})

test('a running kernel that is not installed any more is none to go to', () => {
  expect(dueKernel(['6.12.9-amd64'], '6.16.3-amd64', ['linux-image-6.16.3-amd64'])).toBeUndefined()
})
