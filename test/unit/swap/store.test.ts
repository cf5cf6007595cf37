import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  adoptSwap,
  createSwap,
  endedSwaps,
  isSwapId,
  nextId,
  openSwap,
  openSwaps,
  readReport,
  writeObstacles,
} from '../../../src/swap/store.ts'
import { reportWith } from '../report/reports.ts'
import { planWith } from './plans.ts'

const { state } = vi.hoisted(() => ({ state: `/tmp/kernelswap-store-${process.pid}` }))
vi.mock('../../../src/paths.ts', async (original) => {
  const { paths } = await original<typeof import('../../../src/paths.ts')>()
  return { paths: { ...paths, state, swaps: `${state}/swaps` } }
})
beforeEach(() => mkdir(join(state, 'swaps'), { recursive: true }))
afterEach(() => rm(state, { recursive: true }))

const now = Date.UTC(2026, 10, 26, 1, 59, 59, 900)

test('a swap is named by when it began', () => {
  expect(nextId([], now)).toBe('20261126015959')
  expect(nextId(['20251231235959'], now)).toBe('20261126015959')
})

/** What comes after a jump to a kernel whose clock is behind would otherwise look older, and nobody would resume it. */
test('a swap sorts behind those before it, whatever the clock says', () => {
  expect(nextId(['20261126015959'], now)).toBe('20261126020000')
  expect(nextId(['20261126015900', '20261126065959'], now)).toBe('20261126070000')
  expect(nextId(['20261231235959'], now)).toBe('20270101000000')
})

test('only a time of 14 digits is an id, and nothing that leads elsewhere', () => {
  expect(isSwapId('20261126015959')).toBe(true)
  for (const other of ['', '2026112601595', '202611260159590', '20269999999999', '../../../tmp/x'])
    expect(isSwapId(other), other).toBe(false)
  expect(isSwapId('20261126015959\n')).toBe(false)
})

test.each(['../../../../tmp/x', 'a'.repeat(5000), '/etc'])(
  'nothing else is opened than a swap, whatever is asked for',
  async (id) => {
    await expect(openSwap(id)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/^That is no id of a swap.{1,100}$/),
    })
  },
)

describe('a swap begins whole', () => {
  test('its directory appears with the plan in it', async () => {
    const { id, directory } = await createSwap(planWith())
    expect((await readdir(directory)).sort()).toEqual(['plan.json', 'reserve'])
    expect(await readFile(join(state, 'pending'), 'utf8')).toBe(`${id}\n`)
    expect((await openSwap(id)).plan).toEqual(planWith())
  })

  test('one that was cut short while it began leaves nothing that is taken for a swap', async () => {
    await mkdir(join(state, 'begun'))
    await writeFile(join(state, 'begun/plan.json'), '{"sch')
    expect(await openSwaps()).toEqual({ sound: [], damaged: [] })
    const { directory } = await createSwap(planWith())
    expect(JSON.parse(await readFile(join(directory, 'plan.json'), 'utf8'))).toEqual(planWith())
  })

  test('what can’t be written leaves nothing at all', async () => {
    const aside = join(state, 'unpacked')
    // A directory where the plan belongs.
    await mkdir(join(aside, 'plan.json/x'), { recursive: true })
    await expect(adoptSwap(planWith(), aside)).rejects.toThrow()
    expect(existsSync(aside)).toBe(false)
    expect(await readdir(join(state, 'swaps'))).toEqual([])
  })
})

describe('damage of one swap', () => {
  const [sound, half, torn] = ['20261101000000', '20261102000000', '20261103000000'] as const
  beforeEach(async () => {
    for (const id of [sound, half, torn]) await mkdir(join(state, 'swaps', id))
    await writeFile(join(state, 'swaps', sound, 'plan.json'), JSON.stringify(planWith()))
    await writeFile(join(state, 'swaps', torn, 'plan.json'), '{"schema": "kernelswap.plan/1"')
  })

  test('is in no other’s way, and the file is named', async () => {
    const { sound: good, damaged } = await openSwaps()
    expect(good.map(({ id }) => id)).toEqual([sound])
    expect(damaged).toEqual([
      { id: half, damage: expect.stringContaining(`${half}/plan.json is damaged: it is missing`) },
      { id: torn, damage: expect.stringContaining(`${torn}/plan.json is damaged`) },
    ])
  })

  test('is a mismatch for who asks for that one', async () => {
    for (const id of [half, torn]) await expect(openSwap(id)).rejects.toMatchObject({ kind: 'mismatch' })
    await expect(openSwap('20261104000000')).rejects.toMatchObject({ kind: 'usage' })
  })

  test('of its report too, and who asks what earlier swaps came to goes on to the next', async () => {
    const earlier = '20261031000000'
    await mkdir(join(state, 'swaps', earlier))
    await writeFile(join(state, 'swaps', earlier, 'plan.json'), JSON.stringify(planWith()))
    await writeFile(join(state, 'swaps', earlier, 'report.json'), JSON.stringify(reportWith()))
    await mkdir(join(state, 'swaps', sound, 'report.json'))
    await expect(readReport(await openSwap(sound))).rejects.toMatchObject({ kind: 'mismatch' })
    const found = []
    for await (const { swap } of endedSwaps()) found.push(swap.id)
    expect(found).toEqual([earlier])
  })
})

test('places that will be made are as good as their directory', async () => {
  expect(await writeObstacles()).toEqual([])
  await rm(state, { recursive: true })
  expect(await writeObstacles()).toEqual([])
  await mkdir(state)
})

const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0

test.runIf(canMount)(
  'a state that is read-only is an obstacle of the plan, with remedy',
  () => {
    const checkout = new URL('../../..', import.meta.url).pathname
    const [entry, program] = [join(state, 'entry.ts'), join(state, 'program.mjs')]
    const store = JSON.stringify(join(checkout, 'src/swap/store.ts'))
    writeFileSync(
      entry,
      `import { writeObstacles } from ${store}\nprocess.stdout.write(JSON.stringify(await writeObstacles()))`,
    )
    const script = `import { bundle } from './scripts/bundle.js'; await bundle(${JSON.stringify(entry)}, ${JSON.stringify(program)})`
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
    const line = `mount -t tmpfs none /var/lib && mkdir /var/lib/kernelswap && mount -o remount,ro /var/lib && exec "$0" "$1"`
    const found = execFileSync('unshare', ['--mount', 'sh', '-c', line, process.execPath, program], {
      encoding: 'utf8',
    })
    expect(JSON.parse(found)).toEqual([
      {
        code: 'read-only',
        reason: expect.stringMatching(/^\/var\/lib\/kernelswap can't be written to: EROFS/),
        remedy: expect.stringContaining('remount,rw'),
      },
    ])
  },
  60_000,
)
