import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { announce, notify } from '../../../../src/swap/announce/announce.ts'
import type { Plan } from '../../../../src/swap/plan.ts'
import type { Swap } from '../../../../src/swap/store.ts'
import { reportWith } from '../../report/reports.ts'

let place = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-announce-'))
})
afterEach(() => rm(place, { recursive: true }))

/** A command that notes what it is given. */
async function command(name: string): Promise<[string, string]> {
  const file = join(place, name)
  await writeFile(
    file,
    `#!/bin/sh\necho "$1" > "${file}.argument"; cat > "${file}.input"; cp "$KERNELSWAP_REPORT_HTML" "${file}.html"\n`,
  )
  await chmod(file, 0o755)
  return [file, 'two words; $HOME']
}

function swapOf(told: NonNullable<Plan['announce']>): Swap {
  return { id: '1', directory: place, plan: { announce: told } } as Swap
}

const given = (name: string) => readFile(join(place, name), 'utf8').catch(() => undefined)

// Only what belongs to root is run.
describe.runIf(process.getuid?.() === 0)('whom a verdict is told', () => {
  test.each([
    ['swapped', 'good', 'bad'],
    ['aborted', 'bad', 'good'],
    ['degraded', 'bad', 'good'],
  ] as const)(
    '%s runs on-success or on-failure with the report, and not the other',
    async (verdict, run, other) => {
      const report = reportWith({ verdict })
      await announce(swapOf({ onSuccess: await command('good'), onFailure: await command('bad') }), report)
      expect(JSON.parse((await given(`${run}.input`))!)).toEqual(report)
      expect(await given(`${run}.html`)).toContain(`<title>swap ${report.id}: ${verdict}</title>`)
      // An argument stays what it is: no shell has read it.
      expect(await given(`${run}.argument`)).toBe('two words; $HOME\n')
      expect(await given(`${other}.input`)).toBeUndefined()
    },
  )

  test('metrics are there for everybody to read, whole or not at all', async () => {
    const metricsFile = join(place, 'kernelswap.prom')
    await announce(swapOf({ metricsFile }), reportWith())
    expect(await given('kernelswap.prom')).toMatch(/^kernelswap_last_verdict\{verdict="swapped"\} 1$/m)
    expect((await stat(metricsFile)).mode & 0o777).toBe(0o644)
  })

  test('a command that leaves a child behind keeps nobody waiting, and the child goes on', async () => {
    const script = `#!/bin/sh\nsleep 300 &\necho $! > "${place}/child"\n`
    const file = join(place, 'good')
    await writeFile(file, script, { mode: 0o755 })
    const began = performance.now()
    await announce(swapOf({ onSuccess: [file] }), reportWith())
    expect(performance.now() - began).toBeLessThan(30_000)
    const child = Number(await given('child'))
    expect(process.kill(child, 'SIGTERM')).toBe(true)
  })

  test('a command that fails is told of with its own words', async () => {
    const file = join(place, 'bad')
    await writeFile(file, '#!/bin/sh\necho "no route" >&2\nexit 3\n', { mode: 0o755 })
    await expect(notify([file], reportWith())).rejects.toThrow('no route')
    await expect(notify([join(place, 'gone')], reportWith())).rejects.toThrow()
  })

  test('a command that others may write is not run: it would run as root', async () => {
    const onSuccess = await command('good')
    await chmod(onSuccess[0], 0o777)
    await announce(swapOf({ onSuccess }), reportWith())
    expect(await given('good.input')).toBeUndefined()
  })

  test('what fails keeps nobody else from being told', async () => {
    await announce(
      swapOf({ onSuccess: await command('good'), metricsFile: join(place, 'gone/kernelswap.prom') }),
      reportWith(),
    )
    expect(await given('good.input')).toBeDefined()
  })
})
