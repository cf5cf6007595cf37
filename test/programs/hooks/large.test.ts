import { describe, expect } from 'vitest'
import { canMakeRoots } from './stock-root.ts'
import { testWith } from './stock-service.ts'

/** `npm run test:hooks` asks for it: their installation takes minutes. */
const isAsked = process.env.KERNELSWAP_HOOKS === 'all' && canMakeRoots()

/** Protects what hooks claim: each is silent while its real service goes on, and complains where it is another. */
describe.runIf(isAsked)('services of large packages', () => {
  const test = testWith([
    ...['apache2', 'bind9', 'ldap-utils', 'mariadb-server', 'php8.4-fpm', 'postfix', 'postgresql'],
    ...['prometheus', 'rabbitmq-server', 'slapd'],
  ])

  test('apache2', async ({ host, hookOf }) => {
    const hook = hookOf('apache2.service/50-apache2')
    const page = `node -e 'fetch("http://localhost/").then(({ ok }) => process.exit(ok ? 0 : 1))'`
    const start = async () => {
      host.shell('apachectl start')
      await host.until(page)
      return Number(host.shell('cat /run/apache2/apache2.pid'))
    }
    const pid = await start()
    host.shell(page)
    hook.intact(pid)
    host.pretend({ accesses: 1000 })
    hook.differs(/1000 accesses ever are now \d+/, pid)
    // A reload is none of the swap's.
    host.shell('apachectl graceful')
    await host.until(
      `node -e 'fetch("http://localhost/server-status?auto").then((a) => a.text()).then((text) => process.exit(/MPMGeneration: 1/.test(text) ? 0 : 1))'`,
    )
    expect(hook.call('verify', pid)).toEqual({ code: 0, out: '', err: '' })
    host.shell(`kill -KILL $(pidof apache2)`)
    await host.until('! ss -ltn | grep -q :80')
    const other = await start()
    hook.differs(/server started .*, now /, other)
    host.shell('a2dismod -f status; apachectl graceful')
    await host.until(
      `node -e 'fetch("http://localhost/server-status").then(({ status }) => process.exit(status === 404 ? 0 : 1))'`,
    )
    hook.silent(/it is no page of mod_status \(404\)/, other)
    host.shell('echo nonsense >/etc/apache2/conf-enabled/broken.conf')
    hook.vetoes(/^apachectl configtest: .*nonsense/, other)
  })

  test('mariadb', async ({ host, hookOf }) => {
    const hook = hookOf('mariadb.service/50-mariadb')
    host.shell('mkdir /run/mysqld; chown mysql /run/mysqld')
    const start = async () => {
      const pid = await host.serve('mariadbd --user=mysql')
      await host.until('mariadb-admin ping')
      return pid
    }
    const first = await start()
    host.shell('mariadb-admin shutdown')
    await host.until(`[ ! -e /proc/${first} ]`)
    host.shell('cp -a /var/lib/mysql /var/lib/older')
    const pid = await start()
    host.shell(
      `mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (1)'`,
    )
    const client = await host.serve(
      `mariadb -e 'START TRANSACTION; INSERT INTO shop.orders VALUES (2); SELECT SLEEP(600)'`,
    )
    await host.until(`mariadb -e 'SHOW PROCESSLIST' | grep -q SLEEP`)
    hook.intact()
    host.shell(`mariadb -e 'INSERT INTO shop.orders VALUES (3)'`)
    expect(hook.call('verify')).toEqual({ code: 0, out: '', err: '' })
    await host.kill(client)
    host.shell(
      `mariadb -Ne "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(%' AND ID <> CONNECTION_ID()" | mariadb`,
    )
    await host.until(`! mariadb -e 'SHOW PROCESSLIST' | grep -q SLEEP`)
    expect(hook.call('verify')).toEqual({
      code: 0,
      out: '{"level":"note","message":"1 sessions have ended"}\n{"level":"note","message":"1 transactions have ended"}\n',
      err: '',
    })
    hook.intact()
    await host.kill(pid)
    hook.vetoes(/^MariaDB: ERROR 20(02|13) /)
    host.shell('rm -r /var/lib/mysql; mv /var/lib/older /var/lib/mysql')
    await start()
    hook.differs(/server started .*\n.*InnoDB's log went back from \d+ to \d+/)
    host.shell(`mariadb -e "ALTER USER root@localhost IDENTIFIED BY 'a secret'"`)
    hook.silent(/Access denied for user 'root'/)
    host.shell(`printf '[client]\\npassword="a secret"\\n' >/root/.my.cnf`)
    hook.intact()
  })

  test('named', async ({ host, hookOf }) => {
    const hook = hookOf('named.service/50-named')
    host.shell('mkdir /run/named; chown bind /run/named; cat >/etc/bind/named.conf.local', zones)
    const serve = (serial: string) => {
      host.shell('cat >/var/cache/bind/zone', zone.replace('SERIAL', serial))
      host.shell('rndc reload || :')
    }
    host.shell(
      'cat >/var/cache/bind/reverse',
      zone
        .replace('SERIAL', '1')
        .replace(/^ns .*/m, '')
        .replaceAll(' ns', ' ns.example.org.'),
    )
    const knows = (serial: string) => host.until(`rndc zonestatus example.org | grep -qx 'serial: ${serial}'`)
    serve('4294967290')
    const pid = await host.serve('named -f -u bind')
    await knows('4294967290')
    hook.intact()
    expect(hook.call('capture').out).toContain(
      'example.org IN _default 4294967290,64/26.2.0.192.in-addr.arpa IN ',
    )
    // Serials go round (RFC 1982).
    serve('3')
    await knows('3')
    expect(hook.call('verify')).toEqual({ code: 0, out: '', err: '' })
    hook.intact()
    serve('2')
    // named warns of it, and does it.
    await knows('2')
    hook.differs(/zone example.org went back from serial 3 to 2/)
    host.shell(`sed -i '/example.org/d' /etc/bind/named.conf.local; rndc reconfig`)
    await host.until('! rndc zonestatus example.org')
    hook.differs(/103 zones are now 102"}\n.*zone example.org is no longer loaded/)
    hook.intact()
    await host.kill(pid)
    hook.vetoes(/connect failed/)
    await host.serve('named -f -u bind')
    await host.until('rndc status')
    hook.differs(/named started .*, now /)
  })

  test('php-fpm', async ({ host, hookOf }) => {
    const hook = hookOf('php8.4-fpm.service/50-php-fpm')
    host.shell('mkdir /run/php')
    const pid = await host.serve('php-fpm8.4 --nodaemonize')
    const workers = () => host.shell(`cat /proc/${pid}/task/${pid}/children`).trim().split(' ').map(Number)
    await host.until(`[ $(wc -w </proc/${pid}/task/${pid}/children) = 2 ]`)
    hook.intact(pid)
    const [one, two] = workers()
    await host.kill(one!)
    await host.until(`[ $(wc -w </proc/${pid}/task/${pid}/children) = 2 ]`)
    hook.notes('pool www: 1 of 2 workers are left, 1 are new', pid)
    await host.kill(two!)
    await host.until(`[ $(wc -w </proc/${pid}/task/${pid}/children) = 2 ]`)
    hook.differs(/pool www: 0 of 2 workers are left, 2 are new/, pid)
    host.shell('echo nonsense = 1 >>/etc/php/8.4/fpm/pool.d/www.conf')
    hook.vetoes(/^php-fpm --test: .*nonsense/, pid)
  })

  test('postfix', async ({ host, hookOf }) => {
    const hook = hookOf('postfix.service/50-postfix')
    host.shell(`postconf -e header_checks=static:HOLD myhostname=stock.example inet_interfaces=loopback-only
      newaliases; postfix start`)
    await host.until('pidof qmgr')
    const pid = Number(host.shell('cat /var/spool/postfix/pid/master.pid'))
    host.shell(`for one in 1 2; do echo 'Subject: hello' | sendmail root; done`)
    await host.until('[ $(mailq | grep -c !) = 2 ]')
    hook.intact(pid)
    host.pretend({ messages: '7' })
    hook.notes('7 messages in the queue are now 2', pid)
    hook.intact(pid)
    host.shell(`postsuper -d $(mailq | sed -n 's/!.*//p' | head -n 1)`)
    hook.differs(/2 messages on hold are now 1/, pid)
    hook.intact(pid)
    host.shell('kill -KILL $(pidof qmgr)')
    await host.until('! pidof qmgr')
    hook.differs(/queue manager \d+ is now /, pid)
    host.shell('postfix stop')
    hook.vetoes(/Mail system is down/i, 1)
  })

  test('postgresql', async ({ host, hookOf }) => {
    const hook = hookOf('postgresql@.service/50-postgresql', 'postgresql@17-main.service')
    const start = () =>
      host.shell('mkdir -p /run/postgresql; chown postgres /run/postgresql; pg_ctlcluster 17 main start')
    start()
    host.shell('pg_ctlcluster 17 main stop; cp -a /var/lib/postgresql/17/main /var/lib/postgresql/17/older')
    start()
    host.shell(`runuser -u postgres -- psql -c 'CREATE TABLE a AS SELECT generate_series(1, 1000)'`)
    const client = await host.serve(`runuser -u postgres -- psql -c 'SELECT pg_sleep(600)'`)
    await host.until(
      `runuser -u postgres -- psql -Atc "SELECT 'is ' || state FROM pg_stat_activity WHERE query LIKE '%sleep(600)'" | grep -q 'is active'`,
    )
    hook.intact()
    host.shell(
      `runuser -u postgres -- psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"`,
    )
    await host.until(`[ ! -e /proc/${client} ]`)
    expect(hook.call('verify')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/"note".*session \d+ has ended/),
    })
    host.shell('pg_ctlcluster 17 main stop -m immediate')
    hook.vetoes(/cluster 17\/main: /)
    host.shell('cd /var/lib/postgresql/17; rm -r main; mv older main')
    start()
    hook.differs(/postmaster started (.*\n)*.*write-ahead log went back/)
  })

  test('prometheus', async ({ host, hookOf }) => {
    const hook = hookOf('prometheus.service/50-prometheus')
    host.shell(
      `sed -i 's/scrape_\\(interval\\|timeout\\): .*/scrape_\\1: 1s/' /etc/prometheus/prometheus.yml`,
    )
    const start = async (options = '') => {
      const pid = await host.serve(`prometheus --storage.tsdb.path=/var/lib/prometheus/metrics2/ ${options}`)
      await host.until('ss -ltn | grep -q :9090')
      return pid
    }
    const ask = (path: string, test: string) =>
      host.until(
        `node -e 'fetch("http://localhost:9090${path}").then((a) => a.text()).then((text) => process.exit(${test} ? 0 : 1))'`,
      )
    const pid = await start('--web.listen-address=127.0.0.1:9090')
    await ask('/metrics', '/^prometheus_tsdb_head_series [1-9]/m.test(text)')
    hook.intact(pid)
    host.pretend({ series: 1e6, samples: 1e9, segment: 7, corruptions: -1 })
    hook.differs(
      /1000000 series are now \d+(.*\n)+.*1000000000 samples ever(.*\n)+.*from segment 7 to 0"}\n.*corruptions/,
      pid,
    )
    await host.kill(pid)
    hook.vetoes(/doesn't answer on http:\/\/localhost:9090: /, 1)
    const other = await start()
    await ask('/-/ready', '/Ready/.test(text)')
    hook.differs(/server started .*, now /, other)
    await host.kill(other)
    host.shell(
      `printf 'basic_auth_users:\\n  %s\\n' "$(htpasswd -nbB watcher secret | sed 's/:/: /')" >/etc/prometheus/web.yml`,
    )
    const guarded = await start('--web.config.file=/etc/prometheus/web.yml')
    hook.silent(/answers 401, so nothing is compared/, guarded)
    await host.kill(guarded)
    const elsewhere = await start('--web.route-prefix=/watch/')
    await ask('/watch/-/ready', '/Ready/.test(text)')
    hook.intact(elsewhere)
  })

  test('rabbitmq', { timeout: 240_000 }, async ({ host, hookOf }) => {
    const hook = hookOf('rabbitmq-server.service/50-rabbitmq')
    // Its management speaks HTTP, so that messages can be sent without a client.
    host.shell(`rabbitmq-plugins enable --offline rabbitmq_management; cat >/root/api.js`, api)
    const start = async () => {
      const pid = await host.serve(
        `runuser -u rabbitmq -- env HOME=/var/lib/rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server`,
      )
      await host.until('node /root/api.js GET overview')
      return pid
    }
    const ask = (...words: string[]) => host.shell(`node /root/api.js ${words.join(' ')}`)
    await start()
    hook.intact()
    ask('PUT queues/%2f/jobs', `'{"durable":true}'`)
    for (const payload of ['a', 'b', 'c'])
      ask(
        'POST exchanges/%2f/amq.default/publish',
        `'{"properties":{"delivery_mode":2},"routing_key":"jobs","payload":"${payload}","payload_encoding":"string"}'`,
      )
    hook.intact()
    ask('POST queues/%2f/jobs/get', `'{"count":1,"ackmode":"ack_requeue_false","encoding":"auto"}'`)
    expect(hook.call('verify')).toEqual({ code: 0, out: '', err: '' })
    hook.intact()
    ask('DELETE queues/%2f/jobs/contents')
    hook.differs(/2 messages are now 0/)
    hook.intact()
    ask('DELETE queues/%2f/jobs')
    expect(hook.call('verify')).toEqual({ code: 0, out: '', err: '' })
    host.pretend({ queues: '7' })
    hook.differs(/7 queues are now 0/)
    hook.intact()
    host.shell('kill -KILL $(pidof beam.smp)')
    await host.until('! pidof beam.smp')
    hook.vetoes(/^rabbitmqctl: /)
    await start()
    hook.differs(/node .* is now /)
  })

  test('slapd', async ({ host, hookOf }) => {
    const hook = hookOf('slapd.service/50-slapd')
    host.shell('mkdir /run/slapd; chown openldap /run/slapd')
    const start = async (urls: string) => {
      const pid = await host.serve(`slapd -d 0 -h "${urls}" -g openldap -u openldap -F /etc/ldap/slapd.d`)
      await host.until('ss -ltn | grep -q :389')
      return pid
    }
    const change = (what: string) => host.shell('ldapmodify -Q -Y EXTERNAL -H ldapi:///', what)
    const pid = await start('ldap:/// ldapi:///')
    // Neither replication nor a monitor: then its databases have to be there.
    hook.intact(pid)
    change(replication)
    change(unitNamed('older'))
    host.shell('slapcat -n 1 >/root/older.ldif')
    change(unitNamed('newer'))
    hook.intact(pid)
    const { started, contexts } = JSON.parse(hook.call('capture', pid).out)
    expect(contexts).toMatch(/^dc=nodomain\|\d+\.\d+Z#000000#000#000000$/)
    host.shell('rm /run/slapd/ldapi')
    hook.vetoes(/Can't contact LDAP server/, pid)
    await host.kill(pid)
    // The monitor tells seconds.
    await host.until(`[ $(date -u +%Y%m%d%H%M%SZ) != ${started} ]`)
    host.shell(`rm /var/lib/ldap/*; slapadd -n 1 -w -l /root/older.ldif; chown openldap /var/lib/ldap/*`)
    const other = await start('ldap:/// ldapi:///')
    hook.differs(/"slapd started .*\n.*contextCSN of dc=nodomain went back from /, other)
    hook.intact(other)
    await host.kill(other)
    host.shell('rm /var/lib/ldap/*')
    const empty = await start('ldap:/// ldapi:///')
    hook.differs(/dc=nodomain is no longer there/, empty)
    await host.kill(empty)
    hook.silent(/does not listen on ldapi/, await start('ldap:///'))
  })
})

const zones = `
zone "example.org" { type primary; file "/var/cache/bind/zone"; };
zone "64/26.2.0.192.in-addr.arpa" { type primary; check-names ignore; file "/var/cache/bind/reverse"; };
`
const zone = `$TTL 60
@ IN SOA ns root SERIAL 60 60 60 60
@ IN NS ns
ns IN A 127.0.0.1
`
const api = `
const [method, path, body] = process.argv.slice(2)
const headers = { authorization: 'Basic ' + btoa('guest:guest') }
fetch('http://localhost:15672/api/' + path, { method, body, headers }).then(
  ({ ok }) => process.exit(ok ? 0 : 1),
  () => process.exit(1),
)
`
const replication = `dn: cn=module{0},cn=config
changetype: modify
add: olcModuleLoad
olcModuleLoad: syncprov

dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
changetype: add
objectClass: olcSyncProvConfig
olcOverlay: syncprov

dn: olcDatabase=monitor,cn=config
changetype: add
objectClass: olcDatabaseConfig
olcDatabase: monitor
olcAccess: to * by * read

dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage by * break
`
const unitNamed = (name: string) => `dn: ou=${name},dc=nodomain
changetype: add
objectClass: organizationalUnit
`
