import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Image } from '../../../src/rehearsal/image.ts'
import { startFromSnapshot } from '../../../src/rehearsal/snapshot.ts'

const place = mkdtempSync(join(tmpdir(), 'kernelswap-snapshot-'))
afterAll(() => rmSync(place, { recursive: true }))

const image = { directory: place, sshKey: join(place, 'key'), hostKey: 'ssh-ed25519 AAAA' } as Image
const host = { image, accelerator: 'tcg', kinship: 'none' } as const

/** A disk has gigabytes, and nobody looks for it where no machine came of it. */
test.runIf(existsSync('/usr/bin/qemu-system-x86_64')).each([true, false])(
  'a machine that does not start leaves no disk (kept for a snapshot: %s)',
  async (keepDisk) => {
    const snapshot = mkdtempSync(join(place, 'snapshot-'))
    const directory = mkdtempSync(join(place, 'machine-'))
    await expect(startFromSnapshot(host, snapshot, directory, { keepDisk })).rejects.toThrow('disk.qcow2')
    expect(readdirSync(directory)).toEqual([])
    writeFileSync(join(snapshot, 'disk.qcow2'), 'no disk of QEMU')
    await expect(startFromSnapshot(host, snapshot, directory, { keepDisk })).rejects.toThrow('did not start')
    expect(readdirSync(directory)).not.toContain('disk.qcow2')
  },
)
