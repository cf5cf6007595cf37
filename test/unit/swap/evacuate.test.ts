import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test, vi } from 'vitest'
import type { BundleIndex } from '../../../src/archive/bundle.ts'
import { connectLocally } from '../../../src/host/socket.ts'
import { evacuationSocket, requests, serveBundle } from '../../../src/swap/phases/evacuate.ts'

const place = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  place.directory = mkdtempSync(join(tmpdir(), 'kernelswap-evacuate-'))
  return { paths: { ...paths, run: place.directory as typeof paths.run } }
})
afterAll(() => rmSync(place.directory, { recursive: true }))

vi.setConfig({ testTimeout: 60_000 })

const content = 'memory'.repeat(1_000_000)
const index: BundleIndex = {
  ...{ schema: 'kernelswap.bundle/2', id: '20260101000000', host: 'web', kernel: { from: 'old', to: 'new' } },
  ...{ units: [], sockets: [] },
  files: [
    {
      name: 'pages-1.img',
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    },
  ],
}

function serve(patienceSeconds: number): Promise<void> {
  writeFileSync(join(place.directory, 'pages-1.img'), content)
  return serveBundle(index, (name) => join(place.directory, name), patienceSeconds)
}

async function connect(request: string) {
  let socket: Awaited<ReturnType<typeof connectLocally>> | undefined
  const tryIt = async () => (socket = await connectLocally(evacuationSocket))
  await expect.poll(tryIt).toBeTruthy()
  socket!.on('error', () => {})
  socket!.end(request)
  return socket!
}

test('a checkpoint is sent from where it broke off, and let go once it has arrived', async () => {
  const served = serve(10)
  const first = await connect(requests.all())
  await new Promise((resolve) => first.once('readable', resolve))
  first.destroy()
  const whole = await text(await connect(requests.all()))
  // No diff of megabytes.
  expect(whole === `${JSON.stringify(index)}\n${content}`).toBe(true)
  expect(await text(await connect(requests.rest(content.length - 3)))).toBe('ory')
  expect(await text(await connect(requests.rest(content.length)))).toBe('')
  await connect(requests.received(index.id))
  await served
})

test('services do not stand still for longer than told: nobody comes, comes again, takes anything, or gets further', async () => {
  await expect(serve(0.2)).rejects.toThrow('nobody connected')

  const once = expect(serve(1)).rejects.toThrow('nobody connected again')
  await text(await connect(requests.all()))
  await once

  const stuck = expect(serve(1)).rejects.toThrow('its stream stood still for 1 s')
  await connect(requests.all())
  await stuck

  const inVain = expect(serve(10)).rejects.toThrow('its stream broke 5 times, and nothing arrived')
  for (let times = 0; times < 6; times += 1) (await connect(requests.rest(0))).resume()
  await inVain
})

test('nothing else lets it go', async () => {
  const strange = expect(serve(2)).rejects.toThrow('something else than its receipt came back')
  await connect(requests.received('20260101000001'))
  await strange
  const beyond = expect(serve(2)).rejects.toThrow('something else')
  await connect(requests.rest(content.length + 1))
  await beyond
})
