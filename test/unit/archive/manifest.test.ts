import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sumFiles, writeManifest } from '../../../src/archive/manifest.ts'
import { shell } from './tree.ts'

let checkpoint = ''
beforeEach(async () => {
  checkpoint = await mkdtemp(join(tmpdir(), 'kernelswap-manifest-'))
  await mkdir(join(checkpoint, 'images'))
  await writeFile(join(checkpoint, 'main-pid'), '331\n')
  await writeFile(join(checkpoint, 'images/pages-1.img'), Buffer.alloc(3_000_000, 7))
  await writeFile(join(checkpoint, 'images/empty.img'), '')
  await writeFile(join(checkpoint, 'images/dump.log'), 'log')
  await writeManifest(checkpoint)
})
afterEach(() => rm(checkpoint, { recursive: true }))

/** The check of the landing, which has no Node. */
const script = new URL('../../../src/landing/static/check-seal', import.meta.url).pathname
const check = () => shell(checkpoint, `sh ${script} "$PWD"`)

test('the landing finds a checkpoint whole, every file of it named', () => {
  expect(check()).toBe('')
  expect(shell(checkpoint, "cut -d ' ' -f 3- manifest")).toBe(
    'images/empty.img\nimages/pages-1.img\nmain-pid\n',
  )
})

test('only root may read it', async () => {
  expect((await stat(join(checkpoint, 'manifest'))).mode & 0o777).toBe(0o600)
})

test('writing it again lists the same: it doesn’t list itself', async () => {
  const before = shell(checkpoint, 'cat manifest')
  await writeManifest(checkpoint)
  expect(shell(checkpoint, 'cat manifest')).toBe(before)
})

test('images that were summed up before are not read again, and the rest is added', async () => {
  const images = await sumFiles(checkpoint, 'images')
  expect(images.match(/images\//g)).toHaveLength(2)
  await writeFile(join(checkpoint, 'images/empty.img'), 'damaged since')
  await writeManifest(checkpoint, images)
  expect(shell(checkpoint, "cut -d ' ' -f 3- manifest | sort")).toBe(
    'images/empty.img\nimages/pages-1.img\nmain-pid\n',
  )
  expect(check).toThrow()
})

test('logs may grow: the restore writes there', async () => {
  await writeFile(join(checkpoint, 'images/restore.log'), 'more')
  await writeFile(join(checkpoint, 'images/dump.log'), 'more')
  expect(check()).toBe('')
})

/** Restoring from such a checkpoint would bring back a process that silently isn't the one that was. */
describe('damage is found', () => {
  test.each([
    [
      'a flipped byte',
      "printf '\\010' | dd of=images/pages-1.img bs=1 seek=2000000 conv=notrunc status=none",
    ],
    ['a missing file', 'rm images/empty.img'],
    ['a file cut short', 'truncate --size=2999999 images/pages-1.img'],
    ['a manifest that a power cut tore', 'truncate --size=-9 manifest'],
    ['a manifest that reads as zeroes', 'truncate --size=0 manifest && truncate --size=300 manifest'],
    ['a manifest of blank lines', "printf '\\n\\n' > manifest"],
    ['an empty manifest', ': > manifest'],
    ['no manifest', 'rm manifest'],
    ['an absolute name', 'cksum /etc/hostname >> manifest'],
    ['a name that leaves the checkpoint', 'cksum ../$(basename "$PWD")/main-pid >> manifest'],
    ['a name that leaves it later', 'cksum images/../main-pid >> manifest'],
  ])('%s', (_, damage) => {
    shell(checkpoint, damage)
    expect(check).toThrow()
    // What was wrong is for the report to tell.
    expect(shell(checkpoint, 'cat seal.log')).not.toBe('')
  })
})
