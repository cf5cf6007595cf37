import { expect, test } from 'vitest'
import { fileOf, parseSimulation } from '../../../src/tools/apt.ts'
import { fixture } from '../fixture.ts'

test('a simulation tells each package that would be new or another, once, with its own version', () => {
  const candidates = parseSimulation(fixture('apt/simulation'))
  expect(candidates).toHaveLength(26)
  expect(candidates).toContainEqual({ name: 'ngircd', version: '27-2', architecture: 'amd64' })
  expect(candidates).toContainEqual({ name: 'criu', version: '4.1.1-1', architecture: 'amd64' })
  expect(candidates).toContainEqual({ name: 'php-common', version: '2:96', architecture: 'all' })
})

test('a package is in the file that apt names after it', () => {
  expect(fileOf({ name: 'php-common', version: '2:96', architecture: 'all' })).toBe(
    'php-common_2%3a96_all.deb',
  )
})
