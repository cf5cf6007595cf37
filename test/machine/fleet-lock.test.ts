import { readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../src/host/local.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport } from '../../src/rehearsal/rehearse.ts'
import { OUR_ADDRESS } from '../../src/rehearsal/sandbox.ts'
import { parseJournal } from '../../src/swap/journal.ts'
import { LockServer } from '../unit/swap/lock-server.ts'
import { expectRunning, inMachine, inShell, isUnattended, mainPids, withMachine } from './support.ts'

const server = { host: OUR_ADDRESS, port: 3333 }
const url = `http://${server.host}:${server.port}`
const results = 'test-results'
/** Where the lock server listens for the other host, which has a network of its own. */
const door = join(results, 'fleet-lock.sock')
/** How long another host may be at it. */
const TURN_MILLISECONDS = 1_800_000
const isOther = process.env.KERNELSWAP_FLEET_LOCK === 'other'

interface Swapped {
  readonly from: number
  readonly to: number
}

/** Two hosts that are due in the same minute must not both be away, and both must get there. */
test.runIf(isUnattended && !isOther)(
  'two hosts with one lock swap one after the other',
  { timeout: 3 * TURN_MILLISECONDS },
  async () => {
    await Promise.all(
      ['one', 'other'].map((host) => rm(join(results, `fleet-${host}.ready`), { force: true })),
    )
    await rm(door, { force: true })
    const lock = new LockServer()
    try {
      await lock.listenAt(server)
      await lock.listenAt({ path: door })
      const [one] = await Promise.all([swapInTurn('one'), startOther()])
      const other = JSON.parse(await readFile(join(results, 'fleet-other.json'), 'utf8')) as Swapped

      expect(one.to < other.from || other.to < one.from, JSON.stringify({ one, other })).toBe(true)
      const asked = lock.asked.map(({ path, body, status }) => {
        const { id } = (body as { client_params: { id: string } }).client_params
        return `${id} ${path?.split('/').at(-1)} ${status}`
      })
      process.stdout.write(`${asked.join('\n')}\n`)
      const granted = asked.filter((line) => line.endsWith(' 200')).map((line) => line.replace(/ 200$/, ''))
      const turn = (host: string) => [`${host} pre-reboot`, `${host} steady-state`]
      const first = granted[0]?.split(' ')[0] ?? ''
      expect(granted).toEqual([...turn(first), ...turn(first === 'one' ? 'other' : 'one')])
      expect(asked.some((line) => line.endsWith('pre-reboot 409'))).toBe(true)
      expect(lock.holders.size).toBe(0)
    } finally {
      await lock.close()
    }
  },
)

/** The other host of the test above, which starts it. */
test.runIf(isOther)('the other host', { timeout: 3 * TURN_MILLISECONDS }, async () => {
  const relay = createServer((client) => {
    const upstream = connect(door)
    client.pipe(upstream).pipe(client)
    for (const end of [client, upstream]) end.on('error', () => end.destroy())
  })
  await new Promise<void>((resolve) => relay.listen(server, resolve))
  await writeFile(join(results, 'fleet-other.json'), JSON.stringify(await swapInTurn('other')))
  relay.close()
})

async function startOther(): Promise<void> {
  const vitest = ['vitest', 'run', '--project', 'machine', 'test/machine/fleet-lock.test.ts']
  await run('node', ['scripts/sandboxed.js', ...vitest], { env: { KERNELSWAP_FLEET_LOCK: 'other' } })
}

/** Swaps a machine as its timer would, again while others hold the lock, and tells when, in seconds. */
function swapInTurn(host: string): Promise<Swapped> {
  return withMachine(`fleet-${host}`, async (machine) => {
    const before = await mainPids(machine)
    await inShell(
      machine,
      `cat > /etc/kernelswap/config.d/90-test.toml <<'END'\n[fleet-lock]\nurl = "${url}"\nid = "${host}"\nEND`,
    )
    await awaitBoth(host)
    const again = ['Restart=on-failure', 'RestartSec=5', 'RestartPreventExitStatus=1 2 3 4 5 77 78']
    const properties = again.map((property) => `--property=${property}`)
    await inMachine(
      machine,
      'systemd-run',
      ...['--quiet', '--unit=due', ...properties, 'kernelswap', 'run', '--scheduled'],
    )
    // Its turn may come after the whole swap of the other.
    const begun = () => inShell(machine, 'ls /var/lib/kernelswap/swaps 2>/dev/null | wc -l')
    await expect.poll(begun, { timeout: TURN_MILLISECONDS, interval: 5000 }).toBe('1')
    const report = await awaitReport(machine)
    expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped' })
    expect(await mainPids(machine)).toBe(before)
    await expectRunning(machine)
    await expect.poll(() => inShell(machine, 'ls /var/lib/kernelswap'), { timeout: 300_000 }).toBe('swaps')
    return whenSwapped(machine)
  })
}

async function awaitBoth(host: string): Promise<void> {
  await writeFile(join(results, `fleet-${host}.ready`), '')
  const other = join(results, `fleet-${host === 'one' ? 'other' : 'one'}.ready`)
  await expect.poll(() => readFile(other, 'utf8').catch(() => undefined), { timeout: 1_500_000 }).toBe('')
}

/** From the first entry of its journal to the last. */
async function whenSwapped(machine: Machine): Promise<Swapped> {
  const journal = await inShell(machine, 'cat /var/lib/kernelswap/swaps/*/journal.jsonl')
  const times = parseJournal(`${journal}\n`, 'the swap').map(({ time }) => time)
  return { from: Math.min(...times), to: Math.max(...times) }
}
