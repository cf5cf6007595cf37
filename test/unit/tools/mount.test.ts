import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { remountWritable } from '../../../src/tools/mount.ts'
import { type Programs, standIns } from '../programs.ts'

const place = mkdtempSync(join(tmpdir(), 'mount-'))
const mountinfo = join(place, 'mountinfo')
let programs: Programs
beforeEach(() => {
  programs = standIns({
    mount:
      '[ "$3" != /data ] || { echo "mount: /data: cannot remount rw, is write-protected." >&2; exit 32; }',
  })
})
afterEach(() => programs.remove())
afterEach(() => rmSync(place, { recursive: true, force: true }))

test('what stays read-only is named, and keeps nothing else from becoming writable', async () => {
  const line = (id: number, target: string, options: string, superOptions: string) =>
    `${id} 1 8:${id} / ${target} ${options},relatime shared:1 - ext4 /dev/sd${id} ${superOptions}`
  const lines = [
    line(1, '/', 'rw', 'ro'),
    line(2, '/data', 'rw', 'ro'),
    line(3, '/srv', 'rw', 'ro'),
    line(4, '/media', 'ro', 'ro'),
    line(5, '/home', 'rw', 'rw'),
  ]
  writeFileSync(mountinfo, `${lines.join('\n')}\n`)
  await expect(remountWritable(mountinfo)).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/^File systems stay read-only: mount: \/data: cannot remount rw/),
  })
  expect(programs.started()).toEqual(['/', '/data', '/srv'].map((target) => `mount -o remount,rw ${target}`))
})
