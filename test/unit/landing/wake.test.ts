import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { awaitedPeers, endTcpRepair } from '../../../src/tools/tcp-repair.ts'
import { canInOwnNetwork } from '../isolated.ts'
import { endAll, network, shell, start, timers, within } from './networks.ts'

const wake = fileURLToPath(new URL('../../../src/landing/static/wake', import.meta.url))

/** Tells where something arrives. */
const service = `
const { createServer } = require('node:net')
for (const address of process.argv.slice(1)) {
  const server = createServer((socket) => socket.on('data', () => console.log(address)))
  server.listen(7000, address)
}
console.log('up')
`

/** Connects to each address, and speaks over all when it is told to. */
const peer = `
const { connect } = require('node:net')
const addresses = process.argv.slice(1)
const clients = addresses.map((address) => connect(7000, address, () => --waiting || console.log('up')))
let waiting = clients.length
process.stdin.once('data', () => clients.forEach((client) => client.write('x')))
`

/** Those that are woken, and beside each one that is left alone. */
const woken = ['10.0.0.1', 'fd00::1']
const left = ['10.0.0.2', 'fd00::2']

afterAll(endAll)

/**
 * TCP tries again after 0.2, 0.6, 1.4, 3.0, 6.2, 12.6 s: between the last two a peer has just begun its longest wait, and a
 * service that comes back then would be without it for as long as it was away.
 */
test.runIf(canInOwnNetwork('ip link add name cable type veth peer name other'))(
  'peers of restored connections try again at once, by IPv4 and by IPv6',
  async () => {
    const [here, there] = [await network(), await network()]
    connectNetworks(here, there)
    const server = start(here, process.execPath, ['-e', service, ...woken, ...left])
    const heard: string[] = []
    createInterface(server.stdout).on('line', (line) => heard.push(line))
    await once(server.stdout, 'data')
    const client = start(there, process.execPath, ['-e', peer, ...woken, ...left])
    await once(client.stdout, 'data')

    beginRepair(server.pid!)
    const segments = (await awaitedPeers([server.pid!])).split('\n')
    await endTcpRepair([server.pid!])
    expect(await awaitedPeers([server.pid!])).toBe('')

    shell(here, eachFamily('add pref 0 iif cable blackhole'))
    client.stdin.write('go')
    await expect.poll(() => timers(there).filter((timer) => /^on,.*,5$/.test(timer))).toHaveLength(4)
    shell(here, eachFamily('del pref 0 iif cable blackhole'))
    expect(heard).toEqual(['up'])
    const theirs = segments.filter((segment) =>
      woken.some((address) => segment.startsWith(`${address} 7000 `)),
    )
    within(here, wake, [], theirs.map((segment) => `${segment}\n`).join(''))

    await expect.poll(() => heard.length).toBeGreaterThanOrEqual(3)
    expect(heard.slice(1, 3).sort()).toEqual(woken)
  },
)

/** Joins two by a cable whose packets the first may lose. */
function connectNetworks(first: number, second: number): void {
  shell(first, `ip link add name cable type veth peer name cable netns ${second}; ip link set cable up`)
  shell(second, 'ip link set cable up')
  const addresses = (list: readonly string[], bits: Record<'4' | '6', number>) =>
    list.map((address) => {
      const [length, options] = address.includes(':') ? [bits[6], ' nodad'] : [bits[4], '']
      return `ip address add ${address}/${length} dev cable${options}`
    })
  shell(first, addresses([...woken, ...left], { 4: 24, 6: 64 }).join('; '))
  shell(second, addresses(['10.0.0.9', 'fd00::9'], { 4: 24, 6: 64 }).join('; '))
  // Without early demultiplexing every packet is routed, and so can be made to vanish where nobody has nft.
  shell(first, 'echo 0 > /proc/sys/net/ipv4/ip_early_demux')
  shell(first, eachFamily('add pref 1 lookup local', 'del pref 0'))
}

function eachFamily(...changes: readonly string[]): string {
  return changes.flatMap((change) => [`ip -4 rule ${change}`, `ip -6 rule ${change}`]).join('; ')
}

/** Puts every connection of a process into repair mode, as CRIU leaves those that it has dumped. */
function beginRepair(pid: number): void {
  const script = `
    my $process = syscall(434, $ARGV[0] + 0, 0);
    for my $fd (map { m{([0-9]+)$} } glob "/proc/$ARGV[0]/fd/*") {
      my $copy = syscall(438, $process, $fd + 0, 0);
      open(my $socket, "+<&=", $copy) or next;
      setsockopt($socket, 6, 19, pack("i", 1)) if getpeername($socket);
    }`
  execFileSync('perl', ['-e', script, String(pid)])
}
