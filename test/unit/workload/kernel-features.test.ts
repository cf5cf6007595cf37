import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { parseFiles } from '../../../src/tools/criu.ts'
import { lackOf } from '../../../src/workload/kernel-features.ts'
import { fixtureBytes } from '../fixture.ts'

/** As CRIU 4.2.1 wrote it of a program with an IPv6, a UDP-Lite and a packet socket, and a timerfd. */
const image = fixtureBytes('criu/files.img')
const images = { files: async () => parseFiles(image) }
const folder = mkdtempSync(join(tmpdir(), 'kernelswap-features-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Files of a kernel with these options, and with this in its image. */
function kernel(options: readonly string[], text: string): { kernel: string; config: string } {
  const [boot, config] = [join(folder, 'vmlinuz'), join(folder, 'config')]
  writeFileSync(config, `# CONFIG_PACKET is not set\n${options.map((one) => `CONFIG_${one}=m\n`).join('')}`)
  const payload = gzipSync(text)
  // The header of a boot image for x86: where its payload is (Documentation/arch/x86/boot.rst).
  const header = Buffer.alloc(0x400)
  header.writeUInt8(1, 0x1f1)
  header.write('HdrS', 0x202, 'latin1')
  header.writeUInt16LE(0x20f, 0x206)
  header.writeUInt32LE(0, 0x248)
  header.writeUInt32LE(payload.length, 0x24c)
  writeFileSync(boot, Buffer.concat([header, payload]))
  return { kernel: boot, config }
}

const lackIn = (options: readonly string[], text: string) =>
  lackOf({ unit: 'a.service' }, images, kernel(options, text))

/** A trial checkpoint succeeds on the running kernel, and what is restored on the other one would be lost. */
describe('what a unit uses', () => {
  test('is there in a kernel that is built with it', async () => {
    expect(await lackIn(['PACKET', 'TIMERFD', 'IPV6'], '\0UDP-Lite\0')).toBeUndefined()
  })

  test.each([
    ['an option of its configuration', ['TIMERFD', 'IPV6'], '\0UDP-Lite\0', 'packet sockets'],
    ['more of them', [], '\0UDP-Lite\0', 'packet sockets, timerfd, IPv6'],
    ['a protocol that no option tells of', ['PACKET', 'TIMERFD', 'IPV6'], '\0UDP\0', 'UDP-Lite'],
  ])('is refused where a kernel lacks %s', async (_, options, text, names) => {
    expect(await lackIn(options, text)).toMatchObject({
      code: 'kernel-features',
      reason: `uses what the next kernel is built without: ${names}`,
      remedy: expect.stringContaining('--restart a.service'),
    })
  })

  test('that is nothing of all that needs no kernel of its own', async () => {
    const none = { files: async () => [{ type: 1 }] }
    expect(await lackOf({ unit: 'a.service' }, none, kernel([], ''))).toBeUndefined()
  })
})

test('files of a damaged image are not guessed', () => {
  expect(parseFiles(image).length).toBeGreaterThan(5)
  for (const length of [9, 20, image.length - 1])
    expect(() => parseFiles(image.subarray(0, length))).toThrow()
})
