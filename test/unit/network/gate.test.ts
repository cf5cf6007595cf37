import { describe, expect, test } from 'vitest'
import { type GateAnswer, gateRules } from '../../../src/network/gate.ts'
import type { InetSocket } from '../../../src/proc/inet-sockets.ts'
import { canInOwnNetwork, inOwnNetwork } from '../isolated.ts'

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
