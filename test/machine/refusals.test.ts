import { expect, test } from 'vitest'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits } from '../../src/rehearsal/rehearse.ts'
import { type Plan, planSchema } from '../../src/swap/plan.ts'
import { inMachine, inShell, installHook, withMachine } from './support.ts'

/** Preflight says no in words, with a remedy, and touches nothing: what may run keeps its processes. */
test('whatever cannot be carried is refused before anything is touched', () =>
  withMachine('refusals', async (machine) => {
    const before = await mainPids(machine)

    await refusesUnits(machine)
    await refusesKernels(machine)
    await refusesVetoes(machine)
    await refusesHosts(machine)

    expect(await mainPids(machine)).toBe(before)
    expect(await inShell(machine, 'nft list tables; ls -A /etc/kernelswap')).toBe('config.d')
    expect(await inShell(machine, 'cat /sys/kernel/kexec_loaded')).toBe('0')
    expect(await inShell(machine, 'ls -A /var/lib/kernelswap')).toBe('')
  }))

async function refusesUnits(machine: Machine): Promise<void> {
  await inMachine(machine, 'kernelswap', 'adopt', '--undo', '--now', 'redis-server')
  const users = await refusedPlan(machine, 'redis-server')
  expect(users.workloads[0]!.obstacles[0]).toEqual({
    code: 'user-namespace',
    reason: 'runs in a user namespace of its own (PrivateUsers=yes), which CRIU cannot dump',
    remedy: 'kernelswap adopt redis-server.service',
  })
  await inMachine(machine, 'kernelswap', 'adopt', '--now', 'redis-server')

  await inMachine(machine, 'kernelswap', 'adopt', '--undo', '--now', 'postgresql@17-main')
  const systemV = await refusedPlan(machine, 'postgresql@17-main')
  expect(systemV.workloads[0]!.obstacles[0]).toMatchObject({ code: 'sysv-ipc' })
  expect(systemV.workloads[0]!.obstacles[0]!.remedy).toBe('kernelswap adopt postgresql@17-main.service')
  await inMachine(machine, 'kernelswap', 'adopt', '--now', 'postgresql@17-main')

  const start = ['--unit=bus-user', '--service-type=exec', 'busctl', 'monitor', '--quiet']
  await inMachine(machine, 'systemd-run', ...start)
  const bus = await refusedPlan(machine, 'bus-user')
  expect(bus.workloads[0]!.obstacles[0]).toMatchObject({ code: 'dbus-connection' })
  expect(bus.workloads[0]!.obstacles[0]!.remedy).toBe('--restart bus-user.service')
  await inMachine(machine, 'systemctl', 'stop', 'bus-user')

  const bridge = 'ip link add br9 type bridge && ip address add 10.99.9.1/24 dev br9 && ip link set br9 up'
  await inShell(machine, bridge)
  const listen = ['-u', 'memcache', '-l', '10.99.9.1', '-p', '11999']
  await inMachine(machine, 'systemd-run', '--unit=bound', '--service-type=exec', 'memcached', ...listen)
  await inShell(machine, 'until ss --no-header --listening --tcp | grep -q 10.99.9.1; do sleep 0.1; done')
  const bound = await refusedPlan(machine, 'bound')
  expect(bound.workloads[0]!.obstacles).toContainEqual({
    code: 'network-not-restored',
    reason: 'needs what the landing does not put back: the address 10.99.9.1 of br9 (bridge)',
    remedy: '--restart bound.service',
  })
  await inShell(machine, 'systemctl stop bound; ip link delete br9')

  const platform = await refusedPlan(machine, 'ssh.service')
  expect(platform.workloads[0]!.obstacles[0]!.reason).toMatch(/belongs to the platform/)

  await expectError(machine, ['plan', 'no-such'], 3, /There is no service no-such.service/)
  await expectError(machine, ['plan', '--restart', 'no-such'], 3, /There is no service no-such.service/)
  await expectError(machine, ['plan', 'php8.4-fpm'], 3, /There is no service php8.4-fpm.service/)
  await expectError(machine, ['plan', 'ssh.socket'], 2, /it is a socket/)

  // By whatever name: one unit, and the settings that one of its names has.
  await inShell(
    machine,
    'ln -s /usr/lib/systemd/system/memcached.service /etc/systemd/system/cache.service && systemctl daemon-reload',
  )
  const dropIn = '/run/kernelswap/config.d'
  const settings = '[unit."cache.service"]\non-restore-failure = "stop"'
  await inShell(machine, `mkdir -p ${dropIn} && echo '${settings}' >${dropIn}/cache.toml`)
  const planned = await attemptIn(machine, [
    'kernelswap',
    'plan',
    '--json',
    '--no-trial',
    'cache',
    'memcached',
  ])
  expect(planSchema.parse(JSON.parse(planned.stdout)).workloads).toMatchObject([
    { unit: 'memcached.service', policy: 'preserve', onRestoreFailure: 'stop' },
  ])
  await inShell(machine, `rm -r ${dropIn} /etc/systemd/system/cache.service && systemctl daemon-reload`)
}

async function refusesKernels(machine: Machine): Promise<void> {
  await expectError(machine, ['plan', '--kernel', '9.9.9'], 3, /Kernel 9.9.9 is not installed/)

  // A kernel that is there but lacks what CRIU needs: the same files, another configuration.
  const { 'newest-stable': release } = machine.image.kernels
  await inShell(
    machine,
    `cd /boot && for f in vmlinuz initrd.img config; do cp $f-${release} $f-6.1.0-lacking; done`,
  )
  await inShell(
    machine,
    'sed -i s/^CONFIG_CHECKPOINT_RESTORE=y/CONFIG_CHECKPOINT_RESTORE=n/ /boot/config-6.1.0-lacking',
  )
  const lacking = await refusedPlan(machine, '--kernel', '6.1.0-lacking', 'memcached')
  expect(lacking.host[0]!.reason).toBe('kernel 6.1.0-lacking is built without CONFIG_CHECKPOINT_RESTORE')
  await inShell(machine, 'rm /boot/*-6.1.0-lacking')
}

/** A hook of the administrator's says no: nothing is staged, and the services never notice. */
async function refusesVetoes(machine: Machine): Promise<void> {
  const body =
    'if [ "$1" = check ]; then echo "wait for the night" >&2; echo "customers are busy" >&2; exit 10; fi; exit 64'
  await installHook(machine, 'memcached.service/10-no', body)
  const before = await mainPids(machine)
  for (const args of [
    ['plan', '--json', 'memcached'],
    ['run', '--yes', '--json', 'memcached'],
  ]) {
    const { code, stdout } = await attemptIn(machine, ['kernelswap', ...args])
    expect(code).toBe(3)
    expect(planSchema.parse(JSON.parse(stdout)).workloads[0]).toMatchObject({
      verdict: 'refused',
      obstacles: [
        { reason: 'hook memcached.service/10-no vetoes: customers are busy', remedy: 'wait for the night' },
      ],
    })
  }
  expect(await mainPids(machine)).toBe(before)
  expect(await inShell(machine, 'ls -A /var/lib/kernelswap; cat /sys/kernel/kexec_loaded')).toBe('0')
  await inShell(machine, 'rm -r /etc/kernelswap/hooks.d')
}

async function refusesHosts(machine: Machine): Promise<void> {
  await inShell(machine, 'mount -t tmpfs -o size=40M,mode=700 none /var/lib/kernelswap')
  const space = await refusedPlan(machine, 'memcached')
  expect(space.host[0]!.reason).toMatch(
    /^\/var\/lib\/kernelswap has \d+ MiB free, the checkpoints need \d+ MiB$/,
  )
  await inShell(machine, 'umount /var/lib/kernelswap')

  await expectError(machine, ['run', '--kernel', 'x', '--yes', '--nonsense'], 2, /unknown option/)
  const asNobody = await attemptIn(machine, [
    'setpriv',
    '--reuid=nobody',
    '--clear-groups',
    'kernelswap',
    'plan',
  ])
  expect(asNobody).toMatchObject({ code: 77, stderr: expect.stringMatching(/must be root/) })

  await refusesOneWay(machine)

  const shell = await machine.ssh()
  // Whoever was killed left its name there.
  await inShell(machine, ': > /run/kernelswap/lock')
  const first = shell.run('kernelswap', ['plan'], { timeoutSeconds: 120 })
  await inShell(machine, 'until [ -s /run/kernelswap/lock ]; do sleep 0.05; done')
  await expectError(machine, ['plan', 'memcached'], 75, /Another kernelswap \(PID \d+\) is at work/)
  expect((await first).code).toBe(0)

  // Until the next boot, so it comes last.
  await inMachine(machine, 'sysctl', 'kernel.kexec_load_disabled=1')
  const disabled = await refusedPlan(machine, 'memcached')
  expect(disabled.host[0]!.reason).toMatch(/kexec is disabled until the next boot/)
  const run = await attemptIn(machine, ['kernelswap', 'run', '--yes', 'memcached'])
  expect(run.code).toBe(3)
}

/** Where nothing would start the running kernel after a panic of the new one. */
async function refusesOneWay(machine: Machine): Promise<void> {
  const menu = '/boot/grub/grub.cfg'
  await inShell(machine, `cp ${menu} /root/ && sed -i "s/vmlinuz-$(uname -r)/&-gone/" ${menu}`)
  const oneWay = await refusedPlan(machine, 'memcached')
  expect(oneWay.host[0]!.reason).toBe(
    `no way back if the new kernel panics: grub has no entry for the running kernel ${oneWay.kernel.from}`,
  )
  const dropIns = '/run/kernelswap/config.d'
  await inShell(machine, `mkdir -p ${dropIns} && echo 'fallback = "external"' > ${dropIns}/fallback.toml`)
  expect((await attemptIn(machine, ['kernelswap', 'plan', '--no-trial', 'memcached'])).code).toBe(0)
  await inShell(machine, `mv /root/grub.cfg ${menu} && rm -r ${dropIns}`)
}

async function refusedPlan(machine: Machine, ...args: string[]): Promise<Plan> {
  const { code, stdout } = await attemptIn(machine, ['kernelswap', 'plan', '--json', ...args])
  expect(code).toBe(3)
  const plan = planSchema.parse(JSON.parse(stdout))
  expect(plan.ready).toBe(false)
  return plan
}

async function expectError(machine: Machine, args: string[], code: number, message: RegExp): Promise<void> {
  const ended = await attemptIn(machine, ['kernelswap', ...args])
  expect(ended).toMatchObject({ code, stderr: expect.stringMatching(message) })
  expect(ended.stderr).not.toMatch(/^\s+at /m)
}

async function attemptIn(machine: Machine, [program, ...args]: string[]) {
  const shell = await machine.ssh()
  return shell.run(program!, args, { timeoutSeconds: 300 })
}

async function mainPids(machine: Machine): Promise<string> {
  const others = machineUnits.filter((unit) => !/redis|postgres/.test(unit))
  return inMachine(machine, 'systemctl', 'show', '--property=MainPID', ...others)
}
