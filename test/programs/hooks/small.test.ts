import { describe, expect } from 'vitest'
import { canMakeRoots } from './stock-root.ts'
import { testWith } from './stock-service.ts'

/** Protects what hooks claim: each is silent while its real service goes on, and complains where it is another. */
describe.runIf(canMakeRoots())('services of small packages', () => {
  const packages = ['haproxy', 'memcached', 'mosquitto', 'mosquitto-clients', 'nginx-light', 'redis-server']
  const test = testWith(packages)

  test('haproxy', async ({ host, hookOf }) => {
    const hook = hookOf('haproxy.service/50-haproxy')
    host.shell(`mkdir /run/haproxy; cat >>/etc/haproxy/haproxy.cfg`, haproxyServers)
    const start = async () => {
      const pid = await host.serve(`${haproxy} -S ${masterSocket}`)
      await host.until('ss -ltn | grep -q :8080')
      return pid
    }
    const asked = (line: string) =>
      `node -e 'const s = require("net").connect("${masterSocket}"); s.end("@1 ${line}\\n"); s.pipe(process.stdout)'`
    const busy = await host.serve(`node -e 'require("net").createServer().listen(9002)'`)
    await host.until('ss -ltn | grep -q :9002')
    const pid = await start()
    hook.intact(pid)
    host.shell(asked('set server all/idle state maint'))
    hook.intact(pid)
    await host.kill(busy)
    await host.until(`${asked('show stat')} | grep -q busy.*DOWN`)
    hook.notes('all/busy is down', pid)
    host.shell(asked('set server all/idle state ready'))
    hook.differs(/all\/idle is no longer drained or in maintenance/, pid)
    await host.kill(pid)
    const other = await start()
    hook.differs(/worker .* is now /, other)
    await host.kill(other)
    hook.silent(/no socket of its master/, await host.serve(haproxy))
  })

  test('memcached', async ({ host, hookOf }) => {
    const hook = hookOf('memcached.service/50-memcached')
    const tell = (text: string) =>
      host.shell(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/11211; printf "${text}quit\\r\\n" >&3; cat <&3'`)
    const start = async () => {
      const pid = await host.serve('memcached -u memcache -l 127.0.0.1')
      await host.until('ss -ltn | grep -q :11211')
      return pid
    }
    const pid = await start()
    tell('set a 0 0 1\\r\\nb\\r\\nset b 0 0 1\\r\\nb\\r\\n')
    hook.intact()
    tell('delete a\\r\\n')
    expect(hook.call('verify').code).toBe(0)
    await host.kill(pid)
    hook.vetoes(/doesn't answer/)
    await start()
    hook.differs(/2 items ever stored are now 0/)
  })

  test('mosquitto', async ({ host, hookOf }) => {
    const hook = hookOf('mosquitto.service/50-mosquitto')
    const start = async () => {
      const pid = await host.serve('mosquitto -c /etc/mosquitto/mosquitto.conf')
      await host.until('mosquitto_sub -t "\\$SYS/broker/uptime" -C 1 -W 1')
      return pid
    }
    const counts = (topic: string, expected: string) =>
      host.until(`mosquitto_sub -t '$SYS/broker/${topic}' -C 1 -W 2 | grep -qx '${expected}'`)
    host.shell(`sed -i '/^persistence/d' /etc/mosquitto/mosquitto.conf
      echo 'sys_interval 1' >/etc/mosquitto/conf.d/test.conf`)
    const pid = await start()
    host.shell('mosquitto_pub -r -t a -m 1')
    await host.serve('mosquitto_sub -c -i me -q 1 -t b')
    await counts('clients/total', '1')
    await counts('uptime', '[5-9] seconds')
    hook.intact()
    host.shell('mosquitto_pub -r -t a -n')
    await counts('publish/messages/received', '2')
    expect(hook.call('verify').code).toBe(0)
    host.pretend({ retained: '1000', sessions: '7' })
    hook.differs(/1000 retained messages are now \d+"}\n{"level":"note","message":"7 sessions are now 1"/)
    await host.kill(pid)
    hook.vetoes(/^mosquitto: Error: Connection refused/)
    const other = await start()
    hook.differs(/up for \d+ s, now for \d+ s/)
    await host.kill(other)
    host.shell(
      `cat >>/etc/mosquitto/conf.d/test.conf; touch /etc/mosquitto/users
      mosquitto_passwd -b /etc/mosquitto/users watcher 'a secret'; chown mosquitto /etc/mosquitto/users`,
      mosquittoLogin,
    )
    const guarded = await host.serve('mosquitto -c /etc/mosquitto/mosquitto.conf')
    await host.until('ss -ltn | grep -q :1883')
    hook.silent(/^mosquitto: .*not authorised/i)
    host.shell(`mkdir -p /root/.config; printf -- '-u watcher\\n-P a secret\\n' >/root/.config/mosquitto_sub`)
    await counts('uptime', '[0-9]* seconds')
    hook.intact()
    await host.kill(guarded)
    host.shell(`echo 'sys_interval 0' >/etc/mosquitto/conf.d/test.conf; rm /root/.config/mosquitto_sub`)
    await host.serve('mosquitto -c /etc/mosquitto/mosquitto.conf')
    await host.until('ss -ltn | grep -q :1883')
    hook.silent(/nothing is counted below/)
    host.shell('mv /usr/bin/mosquitto_sub /root')
    hook.silent(/mosquitto_sub is missing/)
  })

  test('nginx', async ({ host, hookOf }) => {
    const hook = hookOf('nginx.service/50-nginx')
    const workers = `cat /proc/$(cat /run/nginx.pid)/task/*/children`
    host.shell(`sed -i 's/^worker_processes .*/worker_processes 2;/' /etc/nginx/nginx.conf`)
    const pid = await host.serve(`nginx -g 'daemon off;'`)
    await host.until(`[ $(${workers} | wc -w) = 2 ]`)
    hook.intact(pid)
    const [worker] = host.shell(workers).split(' ')
    await host.kill(Number(worker))
    await host.until(`[ $(${workers} | tr ' ' '\\n' | grep -vcx -e ${worker} -e '') = 2 ]`)
    hook.differs(/workers .* are now /, pid)
    host.shell('echo nonsense >/etc/nginx/conf.d/broken.conf')
    hook.vetoes(/^nginx -t: .*broken.conf:/, pid)
  })

  test('redis', async ({ host, hookOf }) => {
    const hook = hookOf('redis-server.service/50-redis')
    const start = async () => {
      const pid = await host.serve('redis-server --save ""')
      await host.until('redis-cli ping')
      return pid
    }
    const pid = await start()
    host.shell(`redis-cli eval 'for i = 1, 100 do redis.call("set", i, i) end' 0`)
    hook.intact()
    host.shell('redis-cli flushall')
    hook.differs(/100 keys are now 0/)
    await host.kill(pid)
    hook.vetoes(/doesn't answer INFO/)
    await start()
    hook.differs(/run id .* is now /)
  })
})

const masterSocket = '/run/haproxy-master.sock'
const haproxy = 'haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid'
const haproxyServers = `
listen all
  bind :8080
  server idle 127.0.0.1:9001
  server busy 127.0.0.1:9002 check inter 100ms fall 1
`
const mosquittoLogin = `
listener 1883
allow_anonymous false
password_file /etc/mosquitto/users
`
