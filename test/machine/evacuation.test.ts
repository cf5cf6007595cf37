import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fetchCheckpoint } from '../../src/remote/evacuation.ts'
import { indexOf, startHost } from '../programs/remote/evacuating-host.ts'

/** `npm run test:remote` asks for it; in CI a processor is shared by too many for this to say anything. */
const isAsked = process.env.KERNELSWAP_REMOTE === '1'

const rounds = 4
const image = 'pages-1.img'
const bytes = 400_000_000

/**
 * Services stand still while a checkpoint is evacuated. Over an Ethernet of 1 Gbit/s it is as good as what comes with
 * every host; loopback of a sandbox is slowed down to that, and both kinds are flushed to disk.
 */
test.runIf(isAsked)('a checkpoint comes nearly as quickly as tar would bring it over SSH', async () => {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-throughput-'))
  const { server, configFile, connect } = await startHost(place)
  const remove = likeEthernet()
  try {
    const content = randomBytes(bytes)
    writeFileSync(join(server.folder, image), content)
    writeFileSync(join(server.folder, 'index'), `${JSON.stringify(indexOf(image, content))}\n`)
    const program = join(server.folder, 'bin/kernelswap')
    const send = `#!/bin/sh\ncd ${server.folder}\n[ "$2" = --received ] || cat index ${image}\n`
    writeFileSync(program, send)
    chmodSync(program, 0o755)
    const [theirs, ours] = [join(place, 'theirs.tar'), join(place, 'ours')]
    const tar = `ssh -F "$1" -l root web tar -C "$2" -cf - ${image} > "$3" && sync "$3"`

    const spent = { tar: 0, kernelswap: 0 }
    for (let round = 0; round < rounds; round += 1) {
      spent.tar += await milliseconds(() =>
        execFileSync('sh', ['-c', tar, 'sh', configFile, server.folder, theirs]),
      )
      const host = connect()
      spent.kernelswap += await milliseconds(() => fetchCheckpoint(host, ours, () => {}))
      host.close()
    }
    const ratio = spent.tar / spent.kernelswap
    const rate = (time: number) => `${((rounds * bytes) / time / 1000).toFixed(0)} MB/s`
    process.stderr.write(
      `tar | ssh: ${rate(spent.tar)}, evacuation: ${rate(spent.kernelswap)}, ${(ratio * 100).toFixed(0)} %\n`,
    )
    expect(ratio).toBeGreaterThan(0.8)
  } finally {
    remove()
    await server.stop()
    rmSync(place, { recursive: true })
  }
})

/** Slows the loopback of the sandbox that tests run in down to 1 Gbit/s (tc-tbf(8)), and returns what undoes it. */
function likeEthernet(): () => void {
  const tc = (...words: string[]) => execFileSync('tc', ['qdisc', ...words])
  tc('add', 'dev', 'lo', 'root', 'tbf', 'rate', '1gbit', 'burst', '512k', 'latency', '20ms')
  return () => void tc('del', 'dev', 'lo', 'root')
}

async function milliseconds(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
