import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Beside, reportHtml } from '../../../src/report/html/page.ts'
import type { Report } from '../../../src/report/report.ts'
import { manyUnits, reports, swapped } from './example.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const checkout = new URL('../../..', import.meta.url).pathname
const results = join(checkout, 'test-results/report')
const hasChromium = spawnSync('chromium', ['--version']).status === 0

/** Debian's Chromium; without it these are skipped (CONTRIBUTING.md). */
describe.skipIf(!hasChromium)('a report as HTML, in a browser', () => {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-html-'))
  let browser: Browser
  let complaints: string[] = []

  beforeAll(async () => {
    mkdirSync(results, { recursive: true })
    // Chromium's own sandbox doesn't work for root; it opens our own files alone.
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(place, { recursive: true })
  })

  async function open(
    report: Report,
    how: Parameters<Browser['newPage']>[0] & { readonly beside?: Beside } = {},
  ): Promise<Page> {
    const { beside, ...options } = how
    const file = join(place, 'report.html')
    writeFileSync(file, reportHtml(report, beside))
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options })
    complaints = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(`${error}`))
    page.on('request', (request) => {
      if (request.url() !== pathToFileURL(file).href) complaints.push(`asked for ${request.url()}`)
    })
    await page.goto(pathToFileURL(file).href)
    return page
  }

  /** What axe complains of. It is put in by the debugger: the page's own policy lets no script in. */
  async function violations(page: Page): Promise<unknown> {
    await page.evaluate(axe)
    return page.evaluate(async () => {
      const run = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
        }
      ).axe
      const found = await run.run()
      return found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])
    })
  }

  test.each(reports)('of each verdict opens without an error, for everybody: $verdict', async (report) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(report, {
        colorScheme,
        beside: { history: reports.map(past), kernels: ['12 fixes'] },
      })
      expect(await page.locator('h1').textContent()).toContain(report.verdict)
      await page.evaluate(() => {
        for (const each of document.querySelectorAll('details')) each.open = true
      })
      expect(await violations(page)).toEqual([])
      expect(complaints).toEqual([])
      if (colorScheme === 'light')
        await page.screenshot({ path: join(results, `${report.verdict}.png`), fullPage: true })
      await page.close()
    }
  })

  test('on a telephone nothing is wider than the screen', async () => {
    const page = await open(swapped, { viewport: { width: 360, height: 740 } })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    await page.screenshot({ path: join(results, 'telephone.png'), fullPage: true })
    await page.close()
  })

  test('without scripts all of it is there to be read', async () => {
    const page = await open(swapped, { javaScriptEnabled: false })
    expect(await page.locator('.controls').first().isVisible()).toBe(false)
    expect(await page.locator('article').count()).toBe(swapped.workloads.length)
    expect(await page.locator('svg rect').count()).toBeGreaterThan(10)
    await page.close()
  })

  test('the search leaves what it finds, and a kind can be left out', async () => {
    const page = await open(manyUnits(100))
    expect(await page.locator('#found').count()).toBe(1)
    await page.getByLabel('Search').fill('timers')
    await expect.poll(() => page.locator('#found').textContent()).toBe('1 of 100 units')
    expect(await page.locator('article:visible h3').allTextContents()).toEqual([
      expect.stringContaining('app42.service'),
    ])
    expect(await page.locator('.row:visible del').textContent()).toBe('3')
    await page.getByLabel('differing').uncheck()
    await expect.poll(() => page.locator('#found').textContent()).toBe('0 of 100 units')
    await page.getByLabel('Search').fill('app7.service')
    await expect.poll(() => page.locator('#found').textContent()).toBe('1 of 100 units')
    expect(complaints).toEqual([])
    await page.close()
  })

  test('the timeline is zoomed by button, by key and to a phase', async () => {
    const page = await open(swapped)
    const width = async () => (await page.locator('#time').boundingBox())!.width
    const whole = await width()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    expect(await width()).toBeCloseTo(2 * whole, 0)
    await page.getByRole('region', { name: 'Timeline as' }).press('-')
    expect(await width()).toBeCloseTo(whole, 0)
    await page.getByLabel('Show').selectOption('freeze')
    expect(await width()).toBeGreaterThan(4 * whole)
    const bar = (await page.locator('#time rect').nth(1).boundingBox())!
    const scroll = (await page.getByRole('region', { name: 'Timeline as' }).boundingBox())!
    expect(Math.abs(bar.x - scroll.x)).toBeLessThan(3)
    await page.close()
  })

  test('the name of a process stays text, wherever it stands', async () => {
    const hostile = `<img src=x onerror="document.title='taken'">'"</script><script>document.title='taken'</script>&lt;`
    const [unit] = swapped.workloads
    const page = await open(
      {
        ...swapped,
        verdict: 'degraded',
        reason: hostile,
        kernel: { from: hostile, to: hostile, running: hostile },
        clients: [{ ...swapped.clients![0]!, service: hostile, problem: hostile }],
        timeline: [{ phase: hostile, seconds: 1 }],
        workloads: [
          {
            ...unit!,
            unit: hostile,
            reason: hostile,
            abi: {
              ...unit!.abi!,
              differences: [{ task: hostile, facet: hostile, line: `${hostile}: ${hostile} → ${hostile}` }],
            },
            hooks: [
              {
                hook: hostile,
                outcome: 'differs',
                reason: hostile,
                output: hostile,
                findings: [{ level: 'note', message: hostile }],
              },
            ],
          },
        ],
      },
      { beside: { kernels: [hostile], history: [{ ...past(swapped), id: hostile }] } },
    )
    expect(await page.title()).toContain('degraded')
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('script').count()).toBe(1)
    expect(await page.locator('h3').textContent()).toContain(hostile)
    expect(await page.locator('pre').textContent()).toBe(hostile)
    expect(await page.locator('.row th').first().textContent()).toBe(hostile)
    expect(await page.evaluate(() => document.querySelector('rect title')!.textContent)).toContain(hostile)
    expect(complaints).toEqual([])
    await page.close()
  })

  /** The picture in README.md; written where a test run is asked for it, so that nobody's checkout changes by itself. */
  test.runIf(process.env.KERNELSWAP_PICTURE)('a picture of it for the docs', async () => {
    const page = await open(swapped, {
      viewport: { width: 1000, height: 760 },
      beside: { history: reports.map(past) },
    })
    await page.screenshot({ path: join(checkout, 'docs/report.png') })
    await page.close()
  })
})

test('a report of a hundred units is smaller than a megabyte', () => {
  expect(Buffer.byteLength(reportHtml(manyUnits(100)))).toBeLessThan(1_000_000)
})

function past({ id, verdict, kernel, outage }: Report) {
  return { id, verdict, kernel: kernel.to, seconds: outage?.seconds ?? null }
}
