import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { StockHost } from './stock-host.ts'
import { canMakeRoots, stockRoot } from './stock-root.ts'

/** Installed in a moment, so every run tries these. */
const small = ['haproxy', 'memcached', 'mosquitto', 'mosquitto-clients', 'nginx-light', 'redis-server']
const large = [
  ...[
    'apache2',
    'bind9',
    'ldap-utils',
    'mariadb-server',
    'php8.4-fpm',
    'postfix',
    'postgresql',
    'prometheus',
  ],
  ...['rabbitmq-server', 'slapd'],
]
/** `npm run test:hooks` asks for it. */
const areAllAsked = process.env.KERNELSWAP_HOOKS === 'all'

let root: string
let host: StockHost

/** Protects what each hook claims, with the real service: silent as it goes on, and a complaint where it is another. */
describe.runIf(canMakeRoots())('of stock services', () => {
  beforeAll(async () => {
    root = await stockRoot(areAllAsked ? [...small, ...large] : small)
  }, 1_800_000)

  beforeEach(async () => {
    host = await StockHost.start(root)
  })

  afterEach(() => host.end())

  test('haproxy', async () => {
    const hook = 'haproxy.service/50-haproxy'
    const servers = ['idle 127.0.0.1:9001', 'busy 127.0.0.1:9002 check inter 100ms fall 1']
    host.shell(
      `mkdir /run/haproxy; printf 'listen all\\n bind :8080\\n ${servers.map((one) => `server ${one}\\n`).join(' ')}' >>/etc/haproxy/haproxy.cfg`,
    )
    const haproxy = 'haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid'
    const tell = (line: string) =>
      host.shell(`node -e 'require("net").connect("/run/haproxy-master.sock").end("@1 ${line}\\n")'`)
    const busy = await host.serve(`node -e 'require("net").createServer().listen(9002)'`)
    await host.until('ss -ltn | grep -q :9002')
    const pid = await host.serve(`${haproxy} -S /run/haproxy-master.sock`)
    await host.until('ss -ltn | grep -q :8080')
    expectIntact(hook, pid)
    tell('set server all/idle state maint')
    expectIntact(hook, pid)
    await host.kill(busy)
    await host.until(
      `node -e 'const s=require("net").connect("/run/haproxy-master.sock");s.end("@1 show stat\\n");s.pipe(process.stdout)' | grep -q busy.*DOWN`,
    )
    expect(host.call(hook, 'verify', pid)).toMatchObject({ code: 0, out: note('all/busy is down') })
    tell('set server all/idle state ready')
    expectDifference(hook, pid, 'all/idle is no longer drained or in maintenance')
    await host.kill(pid)
    const other = await host.serve(`${haproxy} -S /run/haproxy-master.sock`)
    await host.until('ss -ltn | grep -q :8080')
    expectDifference(hook, other, 'worker .* is now ')
    await host.kill(other)
    expectSilent(hook, await host.serve(haproxy), 'no socket of its master')
  })

  test('mosquitto', async () => {
    const hook = 'mosquitto.service/50-mosquitto'
    const start = async () => {
      const pid = await host.serve('mosquitto -c /etc/mosquitto/mosquitto.conf')
      await host.until('mosquitto_sub -t "\\$SYS/broker/uptime" -C 1 -W 1')
      return pid
    }
    const retain = (topic: string, words: string) => host.shell(`mosquitto_pub -r -t ${topic} ${words}`)
    host.shell(`printf 'sys_interval 1\\npersistence false\\n' >/etc/mosquitto/conf.d/test.conf
      sed -i '/^persistence/d' /etc/mosquitto/mosquitto.conf`)
    const pid = await start()
    retain('a', '-m 1')
    await host.serve('mosquitto_sub -c -i me -q 1 -t b')
    await host.until(`mosquitto_sub -t '$SYS/broker/clients/total' -C 1 | grep -qx 1`)
    await host.until(`mosquitto_sub -t '$SYS/broker/uptime' -C 1 | grep -q '^[5-9]'`)
    expectIntact(hook, pid)
    retain('a', '-n')
    await host.until(`mosquitto_sub -t '$SYS/broker/publish/messages/received' -C 1 | grep -qx 2`)
    expect(host.call(hook, 'verify').code).toBe(0)
    host.pretend({ retained: 1000, sessions: 7 })
    expectDifference(hook, pid, '1000 retained messages are now ')
    expect(host.call(hook, 'verify').out).toMatch(/"note","message":"7 sessions are now 1"/)
    await host.kill(pid)
    expect(host.call(hook, 'check')).toMatchObject({ code: 10 })
    const other = await start()
    expectDifference(hook, other, 'up for ')
    await host.kill(other)
    host.shell(`printf 'listener 1883\\nallow_anonymous false\\npassword_file /etc/mosquitto/users\\n' >>/etc/mosquitto/conf.d/test.conf
      mosquitto_passwd -b -c /etc/mosquitto/users watcher 'a secret'; chown mosquitto /etc/mosquitto/users`)
    await host.serve('mosquitto -c /etc/mosquitto/mosquitto.conf')
    await host.until('ss -ltn | grep -q :1883')
    expectSilent(hook, other, 'nobody in like this .code 5.')
    host.shell(`mkdir -p /etc/kernelswap
      printf 'MQTT_USERNAME=watcher\\nMQTT_PASSWORD="a secret"\\n' >/etc/kernelswap/mosquitto.env`)
    await host.until(`mosquitto_sub -u watcher -P 'a secret' -t '$SYS/broker/uptime' -C 1 -W 1`)
    expectIntact(hook, other)
    host.shell('chmod g+w /etc/kernelswap/mosquitto.env')
    expect(host.call(hook, 'check')).toMatchObject({ code: 2, err: expect.stringContaining('chmod go-w') })
  })
})

/** It is ready, and says nothing to a service that is the same. */
function expectIntact(hook: string, pid: number): void {
  expect(host.call(hook, 'check', pid)).toEqual({ code: 0, out: '', err: '' })
  expect(host.call(hook, 'capture', pid)).toMatchObject({ code: 0, err: '' })
  expect(host.call(hook, 'verify', pid)).toEqual({ code: 0, out: '', err: '' })
  expect(host.call(hook, 'settled', pid)).toEqual({ code: 64, out: '', err: '' })
}

/** It says what differs. */
function expectDifference(hook: string, pid: number, what: string): void {
  expect(host.call(hook, 'verify', pid)).toMatchObject({ code: 1, out: expect.stringMatching(what), err: '' })
}

/** It has nothing to say of a service that doesn't offer what it asks for, and tells why. */
function expectSilent(hook: string, pid: number, why: string): void {
  const silent = { code: 64, out: '', err: expect.stringMatching(why) }
  expect(host.call(hook, 'check', pid)).toMatchObject(silent)
  expect(host.call(hook, 'capture', pid)).toMatchObject(silent)
  expect(host.call(hook, 'verify', pid)).toMatchObject({ code: 64, out: '' })
}

/** All that it says, and harmless. */
function note(message: string): string {
  return `${JSON.stringify({ level: 'note', message })}\n`
}
