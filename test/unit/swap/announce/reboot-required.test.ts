import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keepRebootRequest, restoreRebootRequest } from '../../../../src/swap/announce/reboot-required.ts'
import type { Verdict } from '../../../../src/swap/journal.ts'

let place = ''
let file = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-reboot-'))
  file = join(place, 'reboot-required')
})
afterEach(() => rm(place, { recursive: true }))

const image = 'linux-image-6.12.48-amd64'

async function note(packages: readonly string[] | undefined): Promise<void> {
  await writeFile(file, '*** System restart required ***\n')
  if (packages) await writeFile(`${file}.pkgs`, packages.map((name) => `${name}\n`).join(''))
}

/** What a swap makes of a note: /run is empty on the other side of the jump. */
async function across(
  verdict: Verdict,
  packages: readonly string[] | undefined,
): Promise<string[] | undefined> {
  await note(packages)
  await keepRebootRequest(place, file)
  await rm(file)
  await rm(`${file}.pkgs`, { force: true })
  await restoreRebootRequest(place, verdict, file)
  return noted()
}

async function noted(): Promise<string[] | undefined> {
  if (!existsSync(file)) return undefined
  const text = await readFile(`${file}.pkgs`, 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}

describe('a note that a reboot is wanted, on the other side of the jump', () => {
  test.each([
    ['the kernel was its only reason', 'swapped', [image, 'linux-base'], undefined],
    ['something else wants one too', 'swapped', ['libc6', image, 'dbus'], ['libc6', 'dbus']],
    ['nobody said why', 'swapped', undefined, []],
    ['the new kernel did not come up', 'fell-back', [image, 'libc6'], [image, 'libc6']],
    ['no swap brought it: a bundle was restored', 'restored', [image], [image]],
    ['damage was done', 'degraded', [image], [image]],
  ] as const)('%s: %s', async (_, verdict, before, after) => {
    expect(await across(verdict, before)).toEqual(after)
  })

  test('its text stays as it was', async () => {
    await across('swapped', ['libc6'])
    expect(await readFile(file, 'utf8')).toBe('*** System restart required ***\n')
  })

  test('what the new boot has noted meanwhile stays', async () => {
    await note(['libc6'])
    await keepRebootRequest(place, file)
    await writeFile(`${file}.pkgs`, 'dbus\n')
    await restoreRebootRequest(place, 'swapped', file)
    expect(await noted()).toEqual(['dbus', 'libc6'])
  })

  test('without a jump it is left alone: who has taken it away meanwhile knows why', async () => {
    expect(await across('aborted', ['libc6'])).toBeUndefined()
  })

  test('without a note none appears', async () => {
    await keepRebootRequest(place, file)
    await restoreRebootRequest(place, 'fell-back', file)
    expect(existsSync(file)).toBe(false)
  })
})
