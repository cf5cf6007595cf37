import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from '../../src/rehearsal/image.ts'
import { prepareBy } from '../../src/rehearsal/installation.ts'
import { fetchPackages, type Selection } from '../../src/rehearsal/like/packages.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { preparedMachine } from '../../src/rehearsal/snapshot.ts'
import { installFiles } from '../../src/tools/apt.ts'
import type { ObstacleCode } from '../../src/workload/obstacle.ts'

export interface StockService {
  readonly unit: string
  readonly packages: readonly string[]
  /** What its package would ask (debconf-set-selections(1)). */
  readonly answers?: string
  /** Lines of shell that make it listen where a peer reaches it. */
  readonly prepare?: string
  /** Why it can't be carried: it is restarted. */
  readonly restarted?: ObstacleCode
  /** How a peer on the network keeps talking to it. */
  readonly talk?: {
    readonly port: number
    /** What it says before anybody else may. */
    readonly greets?: RegExp
    /** What comes before all else: said, and heard. */
    readonly begins?: readonly [string, RegExp]
    readonly say: string
    readonly hears: RegExp
    /** It closes its connections after a minute or two, whatever happens: the peer opens another one. */
    readonly isBrief?: true
  }
}

/** Asks for the address of localhost over TCP: length, header, question (RFC 1035, 4). */
const question = ['\0\x1b', '\x12\x34\x01\0\0\x01\0\0\0\0\0\0', '\x09localhost\0', '\0\x01\0\x01'].join('')

/** `npm run test:services` asks for all of them; `KERNELSWAP_SERVICES=sample` for those that take little. */
const asked = process.env.KERNELSWAP_SERVICES ?? ''
export const isSample = asked === 'sample'
export const areAsked = isSample || asked === '1'

/** Each has something of its own that was refused or lost once. */
const all: readonly StockService[] = [
  {
    // A worker in a root of its own, a log in deleted shared memory.
    unit: 'haproxy.service',
    packages: ['haproxy'],
    prepare: `printf '\\nfrontend page\\n bind :8404\\n mode http\\n timeout client 1h\\n timeout http-keep-alive 1h\\n http-request return status 200 content-type text/plain string here\\n' >> /etc/haproxy/haproxy.cfg`,
    talk: { port: 8404, say: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', hears: /^HTTP\/1\.1 200[\s\S]*here$/ },
  },
  {
    // Its main process leads no session.
    unit: 'dnsmasq.service',
    packages: ['dnsmasq'],
    talk: { port: 53, say: question, hears: /^[\s\S]{14,}$/, isBrief: true },
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
    // CONNECT without keep-alive, PINGREQ (MQTT 3.1.1, 3.1 and 3.12).
    talk: {
      port: 1883,
      begins: ['\x10\x0e\0\x04MQTT\x04\x02\0\0\0\x02aa', /^ .{3}$/s],
      say: '\xc0\0',
      hears: /^\xd0.$/s,
    },
  },
  { unit: 'beanstalkd.service', packages: ['beanstalkd'] },
  // An option of its listener that CRIU loses.
  { unit: 'ngircd.service', packages: ['ngircd'] },
  // io_uring, and dozens of threads.
  {
    unit: 'mariadb.service',
    packages: ['mariadb-server'],
    prepare: `printf '[mariadbd]\\nbind-address = 0.0.0.0\\n' > /etc/mysql/mariadb.conf.d/99-open.cnf`,
  },
  {
    unit: 'named.service',
    packages: ['bind9'],
    prepare: `printf 'options { directory "/var/cache/bind"; listen-on port 5300 { any; }; listen-on-v6 { none; }; dnssec-validation no; };\\n' > /etc/bind/named.conf.options`,
    talk: { port: 5300, say: question, hears: /^[\s\S]{14,}$/ },
  },
  // A JIT's shared memory would be in the way.
  {
    unit: 'php8.4-fpm.service',
    packages: ['php-fpm'],
    prepare: 'echo opcache.jit_buffer_size=0 > /etc/php/8.4/fpm/conf.d/99-jit.ini',
  },
  {
    unit: 'page.service',
    packages: ['nodejs'],
    prepare: `printf '%s\\n' '[Service]' 'DynamicUser=yes' 'ExecStart=/usr/bin/node /usr/local/lib/page.js' > /etc/systemd/system/page.service
printf '%s\\n' 'require("http").createServer((q, r) => r.end("here")).listen(8000).keepAliveTimeout = 3600000' > /usr/local/lib/page.js
systemctl daemon-reload`,
    talk: { port: 8000, say: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', hears: /^HTTP\/1\.1 200[\s\S]*here/ },
  },
  // Go: many threads, a write-ahead log that is mapped.
  {
    unit: 'prometheus.service',
    packages: ['prometheus'],
    talk: {
      port: 9090,
      say: 'GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n',
      hears: /^HTTP\/1\.1 200[\s\S]*Ready/,
    },
  },
  { unit: 'prometheus-node-exporter.service', packages: ['prometheus-node-exporter'] },
  {
    unit: 'apache2.service',
    packages: ['apache2'],
    prepare: `sed -i 's/^Listen 80$/Listen 8080/' /etc/apache2/ports.conf
sed -i 's/^KeepAliveTimeout .*/KeepAliveTimeout 3600/' /etc/apache2/apache2.conf`,
    talk: {
      port: 8080,
      say: 'OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n',
      hears: /^HTTP\/1\.1 200[\s\S]*\r\n\r\n$/,
    },
  },
  // A database that is mapped and locked.
  {
    unit: 'slapd.service',
    packages: ['slapd'],
    answers: 'slapd slapd/no_configuration boolean false',
    talk: {
      port: 389,
      // An anonymous bind (RFC 4511, 4.2).
      say: '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0',
      hears: /^0.{4}a.{8}$/s,
    },
  },
  {
    unit: 'vsftpd.service',
    packages: ['vsftpd'],
  },
  {
    unit: 'unbound.service',
    packages: ['unbound'],
    prepare: `printf 'server:\\n  interface: 0.0.0.0@5335\\n  access-control: 0.0.0.0/0 allow\\n  tcp-idle-timeout: 3600000\\n' > /etc/unbound/unbound.conf.d/open.conf`,
    talk: { port: 5335, say: question, hears: /^[\s\S]{14,}$/ },
  },
]

const sample = ['haproxy.service', 'dnsmasq.service', 'rsyslog.service', 'ngircd.service']
export const stockServices = all.filter(({ unit }) => !isSample || sample.includes(unit))

/** Fetches their packages into a folder. The first time, on a day, this wants a network. */
export function fetchStockPackages(image: Image, folder: string): Promise<Selection> {
  const { 'older-stable': running, 'newest-backports': newest } = image.kernels
  const names = stockServices.flatMap(({ packages }) => packages)
  const packages = names.map((name) => ({ name, version: 'any', architecture: 'amd64' }))
  return fetchPackages(image, { packages, units: [], kernels: { running, newest } }, folder)
}

/** Starts a machine that has all of them, from Debian's archive, as their packages install them; without kernelswap. */
export async function startStockMachine(
  image: Image,
  directory: string,
  say: (line: string) => void,
): Promise<Machine> {
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-services-'))
  try {
    const { files } = await fetchStockPackages(image, place)
    const key = JSON.stringify([files, stockServices])
    const prepare = (machine: Machine) => install(machine, place, files)
    return await preparedMachine({
      image,
      directory,
      say,
      preparation: { key, shelf: isSample ? 'stock-sample' : 'stock', prepare },
    })
  } finally {
    rmSync(place, { recursive: true })
  }
}

async function install(machine: Machine, place: string, files: readonly string[]): Promise<void> {
  const answers = stockServices.flatMap(({ answers }) => answers ?? []).join('\n')
  await shell(machine, `debconf-set-selections <<'END'\n${answers}\nEND`)
  const ssh = await machine.ssh()
  for (const file of files) await ssh.putFile(join(place, file), `/root/${file}`, 0o600)
  // They are started once they are prepared (invoke-rc.d(8)).
  const policy = '/usr/sbin/policy-rc.d'
  await shell(machine, `printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod 755 ${policy}`)
  await shell(
    machine,
    `cd /root && env ${installFiles(
      files.map((file) => `./${file}`),
      '--option',
      'Dpkg::Options::=--force-unsafe-io',
    ).join(' ')} < /dev/null`,
  )
  await shell(machine, `rm ${policy} /root/*.deb`)
  for (const { prepare } of stockServices) if (prepare) await shell(machine, prepare)
  const units = stockServices.map(({ unit }) => unit).join(' ')
  await shell(machine, `systemctl restart ${units} || systemctl --failed`)
  await machine.settle()
}

async function shell(machine: Machine, line: string): Promise<void> {
  await prepareBy(machine, 'bash', ['-ec', line], { timeoutSeconds: 3600 })
}
