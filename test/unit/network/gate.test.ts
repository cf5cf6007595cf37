import { type ChildProcessWithoutNullStreams, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, describe, expect, test } from 'vitest'
import { type GateAnswer, gateRules, letBy } from '../../../src/network/gate.ts'
import type { InetSocket } from '../../../src/proc/inet-sockets.ts'
import { canInOwnNetwork, inOwnNetwork } from '../isolated.ts'
import { endAll, network, shell, start } from '../landing/networks.ts'

function socket(protocol: 'tcp' | 'udp', localPort: number, family: 4 | 6 = 4): InetSocket {
  const ends = { localAddress: '0.0.0.0', remoteAddress: '0.0.0.0', remotePort: 0 }
  return { protocol, family, localPort, ...ends, state: 10, inode: 1 }
}

const sets: readonly { readonly name: string; readonly sockets: readonly InetSocket[] }[] = [
  { name: 'no socket', sockets: [] },
  { name: 'one port', sockets: [socket('tcp', 6379)] },
  { name: 'UDP alone', sockets: [socket('udp', 53)] },
  {
    name: 'both protocols and families',
    sockets: [socket('tcp', 80), socket('tcp', 80, 6), socket('udp', 1, 6)],
  },
  { name: 'the highest and the lowest port', sockets: [socket('tcp', 65_535), socket('tcp', 1)] },
  {
    name: 'very many ports',
    sockets: Array.from({ length: 5000 }, (_, index) => socket('tcp', 60_000 - index)),
  },
]
const answers: readonly GateAnswer[] = ['silence', 'unreachable']

/** The lines of a rule set that hold packets, without their indentation. */
function holding(rules: string): string[] {
  return rules.split('\n').flatMap((line) => (/ (drop|reject)/.test(line) ? [line.trim()] : []))
}

describe('what is held', () => {
  test('both directions, by local port: peers hear nothing of us, and nothing of theirs arrives', () => {
    expect(holding(gateRules([socket('tcp', 6379), socket('udp', 53)]))).toEqual([
      'tcp dport { 6379 } drop',
      'udp dport { 53 } drop',
      'tcp sport { 6379 } drop',
      'udp sport { 53 } drop',
    ])
  })

  /** The rules are compared as text to see whether a service opened a port meanwhile. */
  test('ports are sorted as numbers and named once, whatever the order of the sockets', () => {
    const sockets = [socket('tcp', 11_211), socket('tcp', 80), socket('tcp', 9), socket('tcp', 80, 6)]
    expect(holding(gateRules(sockets))[0]).toBe('tcp dport { 9, 80, 11211 } drop')
    expect(gateRules(sockets)).toBe(gateRules(sockets.toReversed()))
  })

  test('without sockets nothing', () => {
    for (const answer of answers) expect(holding(gateRules([], answer))).toEqual([])
  })

  test('what CRIU itself sends passes before anything is dropped', () => {
    const lines = gateRules([socket('tcp', 80)])
      .split('\n')
      .map((line) => line.trim())
    const passes = lines.flatMap((line, index) => (line === 'meta mark 0xc114 accept' ? [index] : []))
    const drops = lines.flatMap((line, index) => (line.endsWith('drop') ? [index] : []))
    expect(passes).toHaveLength(2)
    expect(passes[0]).toBeLessThan(drops[0]!)
    expect(passes[1]).toBeLessThan(drops[1]!)
  })

  test('where peers are told nothing, what was taken is acknowledged before anything is dropped', () => {
    const lines = gateRules([socket('tcp', 80)]).split('\n')
    const acknowledging = lines.findIndex((line) => line.includes('meta length'))
    expect(acknowledging).toBeGreaterThan(0)
    expect(lines.findIndex((line) => line.includes('sport { 80 } drop'))).toBe(acknowledging + 1)
    expect(gateRules([socket('tcp', 80)], 'unreachable')).not.toContain('meta length')
  })

  /** A rejected SYN would end an attempt to connect, a rejected UDP packet a whole exchange. */
  test('only established TCP connections are told that we are unreachable, and the packet is held all the same', () => {
    const rules = holding(gateRules([socket('tcp', 80), socket('udp', 53)], 'unreachable'))
    const rejecting = rules.filter((line) => line.includes('reject'))
    expect(rejecting).toEqual([
      'tcp dport { 80 } tcp flags & (fin|syn|rst|ack) == ack reject with icmpx type no-route',
    ])
    expect(rules.filter((line) => line.endsWith('drop'))).toHaveLength(4)
  })
})

const canCheck = canInOwnNetwork('echo "add table inet t" | nft -f -')

/** A rule set that nft refuses would let RST through on the new kernel, where nobody can ask any more. */
describe.runIf(canCheck)('nft', () => {
  test.each(sets.flatMap((set) => answers.map((answer) => ({ ...set, answer }))))(
    'takes $name, answering $answer',
    ({ sockets, answer }) => {
      expect(inOwnNetwork('nft --check --file -', gateRules(sockets, answer))).toBe('')
    },
  )

  test('takes the rules twice: the landing and a second try load the same file', () => {
    const rules = gateRules([socket('tcp', 80), socket('udp', 53)], 'unreachable')
    const listed = inOwnNetwork(
      'r=$(cat); for i in 1 2; do echo "$r" | nft -f -; done; nft list ruleset',
      rules,
    )
    expect(listed.match(/table inet kernelswap/g)).toHaveLength(1)
    expect(listed.match(/drop/g)).toHaveLength(4)
    expect(listed).toContain('priority raw')
  })
})

/** Says what arrives, and answers `ping` at once: from then on the kernel puts off what it acknowledges (tcp(7)). */
const service = `
require('node:net').createServer((socket) => {
  socket.on('data', (data) => { console.log(String(data)); if (String(data) === 'ping') socket.write('pong') })
  process.on('SIGUSR1', () => socket.write('more'))
}).listen(7000, '10.0.0.1', () => console.log('up'))
`
const peer = `
const socket = require('node:net').connect({ port: 7000, host: '10.0.0.1', noDelay: true }, () => socket.write('ping'))
socket.on('data', (data) => console.log(String(data)))
process.stdin.on('data', () => socket.write('taken'))
`

describe.runIf(canCheck && canInOwnNetwork('ip link add name cable type veth peer name other'))(
  'a gate that goes up',
  () => {
    afterAll(endAll)

    /** Its peer would go on for as long as we are away with a segment that is no longer expected, and nothing would wake it. */
    test('lets the peer know what was taken before, and nothing else', async () => {
      const [here, there] = [await network(), await network()]
      shell(here, `ip link add name cable type veth peer name cable netns ${there}; ip link set cable up`)
      shell(there, 'ip link set cable up; ip address add 10.0.0.9/24 dev cable')
      shell(here, 'ip address add 10.0.0.1/24 dev cable')
      const server = start(here, process.execPath, ['-e', service])
      await said(server, 'up')
      const client = start(there, process.execPath, ['-e', peer])
      await said(client, 'pong')
      // It has begun when it is needed: the kernel puts off an acknowledgement for 40 ms.
      const nft = start(here, 'nft', ['-f', '-'])
      const loaded = once(nft, 'exit')
      client.stdin.write('go')
      await said(server, 'taken')
      nft.stdin.end(gateRules([socket('tcp', 7000)]))
      expect(await loaded).toEqual([0, null])
      await expect.poll(() => unacknowledged(there)).toBe('0')
      const heard: string[] = []
      client.stdout.on('data', (data) => heard.push(String(data)))
      server.kill('SIGUSR1')
      await expect.poll(() => unacknowledged(here)).toBe('4')
      expect(heard).toEqual([])
    }, 30_000)
  },
)

async function said(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  for (let all = ''; !all.includes(text); ) all += String((await once(child.stdout, 'data'))[0])
}

/** Bytes of the connection that its other end hasn't acknowledged yet (ss(8), Send-Q). */
function unacknowledged(namespace: number): string | undefined {
  const listed = execFileSync(
    'nsenter',
    ['--net', '--target', String(namespace), 'ss', '-Htn', 'state', 'established'],
    { encoding: 'utf8' },
  )
  return listed.trim().split(/\s+/)[1]
}

/** A resolver opens and closes ports for datagrams all the time: each would have ended a swap at its last step. */
test('a gate lets by what has a TCP port that it does not hold, and nothing else matters', () => {
  const gated = [socket('tcp', 80), socket('udp', 40_001), socket('tcp', 40_002)]
  expect(letBy(gated, [socket('tcp', 80, 6), socket('udp', 40_003)])).toEqual([])
  expect(letBy(gated, [socket('tcp', 40_001), socket('tcp', 80)])).toEqual([socket('tcp', 40_001)])
})
