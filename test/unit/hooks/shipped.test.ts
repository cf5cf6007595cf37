import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { foldersOf, listHooks } from '../../../src/hooks/find.ts'

const root = new URL('../../..', import.meta.url).pathname
const roots = [join(root, 'hooks')]
const shipped = await listHooks(undefined, { roots })

/** What they say of their services is tried with the real ones: test/programs/hooks. */
describe.each(shipped)('$id', ({ id, path, refused }) => {
  test('may be run, and has nothing to say to words of later versions', () => {
    expect(refused).toBeUndefined()
    const { status, stdout } = spawnSync(path, ['some-later-word'], { input: '{}', encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  })

  test('is described', () => {
    expect(readFileSync(join(root, 'docs/hooks.md'), 'utf8')).toContain(`\`${id}\``)
  })
})

test.each([
  ['php8.2-fpm.service', 'php8.2-fpm.service/50-php-fpm'],
  ['postfix@second.service', 'postfix@.service/50-postfix'],
])('a link to another service’s folder brings its hooks to %s', async (unit, id) => {
  expect((await listHooks(foldersOf(unit), { roots })).map((hook) => hook.id)).toEqual([id])
})
