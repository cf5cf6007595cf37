import type { Image } from '../../src/rehearsal/image.ts'
import { fetchPackages, type Selection } from '../../src/rehearsal/like/packages.ts'

export interface StockService {
  readonly unit: string
  readonly packages: readonly string[]
  /** What its package would ask (debconf-set-selections(1)). */
  readonly answers?: string
  /** Lines of shell that make it listen where a peer reaches it. */
  readonly prepare?: string
  /** How a peer on the network keeps talking to it. */
  readonly talk?: {
    readonly port: number
    /** What it says before anybody else may. */
    readonly greets?: RegExp
    readonly say: string
    readonly hears: RegExp
  }
}

/** Asks for the address of localhost over TCP: length, header, question (RFC 1035, 4). */
const question = ['\0\x1b', '\x12\x34\x01\0\0\x01\0\0\0\0\0\0', '\x09localhost\0', '\0\x01\0\x01'].join('')

/** Each has something of its own that was refused or lost once. */
export const stockServices: readonly StockService[] = [
  {
    // A worker in a root of its own, a log in deleted shared memory.
    unit: 'haproxy.service',
    packages: ['haproxy'],
    prepare: `printf '\\nfrontend page\\n bind :8404\\n mode http\\n http-request return status 200 content-type text/plain string here\\n' >> /etc/haproxy/haproxy.cfg`,
    talk: { port: 8404, say: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', hears: /^HTTP\/1\.1 200[\s\S]*here$/ },
  },
  {
    // Its main process leads no session.
    unit: 'dnsmasq.service',
    packages: ['dnsmasq'],
    talk: { port: 53, say: question, hears: /^[\s\S]{14,}$/ },
  },
  // Started by a socket of systemd's.
  { unit: 'rsyslog.service', packages: ['rsyslog'] },
  // Processes in a root of their own.
  {
    unit: 'postfix.service',
    packages: ['postfix'],
    answers: 'postfix postfix/main_mailer_type select Local only',
    prepare: 'postconf -e inet_interfaces=all',
    talk: { port: 25, greets: /^220 .*\r\n$/, say: 'NOOP\r\n', hears: /^250 2\.0\.0 Ok\r\n$/ },
  },
  {
    unit: 'mosquitto.service',
    packages: ['mosquitto'],
    prepare: `printf 'listener 1883\\nallow_anonymous true\\n' > /etc/mosquitto/conf.d/open.conf`,
  },
  { unit: 'beanstalkd.service', packages: ['beanstalkd'] },
  // An option of its listener that CRIU loses.
  { unit: 'ngircd.service', packages: ['ngircd'] },
]

/** Fetches their packages into a folder. The first time, on a day, this wants a network. */
export function fetchStockPackages(image: Image, folder: string): Promise<Selection> {
  const { 'older-stable': running, 'newest-backports': newest } = image.kernels
  const names = stockServices.flatMap(({ packages }) => packages)
  const packages = names.map((name) => ({ name, version: 'any', architecture: 'amd64' }))
  return fetchPackages(image, { packages, units: [], kernels: { running, newest } }, folder)
}
