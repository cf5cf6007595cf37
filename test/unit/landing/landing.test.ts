import { mkdtempSync } from 'node:fs'
import { open, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Carried,
  landingState,
  prepareCheckpoint,
  removeLanding,
  sealLanding,
  writeLanding,
  writeLandingGate,
} from '../../../src/landing/landing.ts'
import { layoutVersion } from '../../../src/layout.ts'
import { grub } from '../../../src/os/grub.ts'
import { workloadOf } from '../../../src/workload/systemd-service.ts'
import { serviceWith } from '../workload/builders.ts'

const place = vi.hoisted(() => ({ directory: '' }))
vi.mock(import('../../../src/paths.ts'), async (original) => {
  const { paths } = await original()
  place.directory = mkdtempSync(join(tmpdir(), 'kernelswap-landing-'))
  return { paths: { ...paths, landing: join(place.directory, 'etc/landing') as typeof paths.landing } }
})
afterAll(() => rm(place.directory, { recursive: true }))

const ties = { external: ['unix[7]'], inherit: ['fd[1]:socket:[7]'], foreign: [] }

function carried(properties: Record<string, string> = {}): Carried {
  const checkpoint = join(place.directory, 'swap/workloads/redis-server.service')
  return { workload: workloadOf(serviceWith(properties)), ties, checkpoint, onRestoreFailure: 'cold' }
}

function dropIn({ workload, checkpoint }: Carried): string {
  return workload.unitFiles(checkpoint)[0]!.content
}

describe('the drop-in of a unit', () => {
  test('starts a placeholder under the unit’s own settings and restores into it', () => {
    const lines = dropIn(carried()).split('\n')
    expect(lines).toContain('ExecStart=/usr/bin/sleep infinity')
    expect(lines).toContain(`ExecStartPost=+/usr/lib/kernelswap/restore-unit ${carried().checkpoint}`)
    // systemd adds Exec lines to those of the unit unless the list is emptied first (systemd.service(5)).
    for (const kind of [
      'ExecCondition',
      'ExecStartPre',
      'ExecStart',
      'ExecStartPost',
      'ExecStop',
      'ExecStopPost',
    ]) {
      const own = lines.flatMap((line, index) => (line.startsWith(`${kind}=`) ? [index] : []))
      expect(lines[own[0]!], kind).toBe(`${kind}=`)
    }
  })

  test.each([
    ['no PID file is waited for: tmpfs has lost it', 'PIDFile='],
    ['a failed restore must not start the service cold behind our back', 'Restart=no'],
    ['no watchdog ends a service that is held', 'WatchdogSec=0'],
    ['a restore that hangs is given up, twice', 'TimeoutStartSec=2h'],
    ['a restore may be begun anew', 'StartLimitIntervalSec=0'],
    ['restore-unit may say who the main process is', 'NotifyAccess=all'],
    ['files that were put back are not wiped', 'RuntimeDirectoryPreserve=yes'],
    ['tasks that are held are never woken to end, over a checkpoint that still counts', 'KillSignal=SIGKILL'],
    ['none of them is forgotten by that', 'KillMode=control-group'],
  ])('%s', (_, line) => {
    expect(dropIn(carried()).split('\n')).toContain(line)
  })

  test.each([
    ['the program it starts', {}, 'SyslogIdentifier=redis-server'],
    ['its setting', { SyslogIdentifier: 'cache' }, 'SyslogIdentifier=cache'],
    ['the unit where nothing else is known', { ExecStart: '' }, 'SyslogIdentifier=%p'],
  ])('messages are named in the journal by %s', (_, properties, line) => {
    expect(dropIn(carried(properties)).split('\n')).toContain(line)
  })

  test('a unit whose name is escaped finds its checkpoint', () => {
    const checkpoint = String.raw`/swap/workloads/app@a-b\x2dc.service`
    expect(dropIn({ ...carried(), checkpoint }).split('\n')).toContain(
      String.raw`ExecStartPost=+/usr/lib/kernelswap/restore-unit /swap/workloads/app@a-b\\x2dc.service`,
    )
  })

  test('a sandbox that forbids programs allows the placeholder', () => {
    expect(dropIn(carried())).toContain('ExecPaths=/usr/bin/sleep')
    expect(dropIn(carried({ NoExecPaths: '' }))).not.toContain('ExecPaths=')
  })
})

/** systemd would take the address, or remove the socket's file and take its place. */
test('a socket of systemd’s that the service brings itself is not started while the drop-in is there', () => {
  const { workload, checkpoint } = carried({ TriggeredBy: 'redis-server.socket redis.timer' })
  const [, socket, ...more] = workload.unitFiles(checkpoint)
  expect(more).toEqual([])
  expect(socket).toMatchObject({ path: 'redis-server.socket.d/zz-kernelswap.conf' })
  expect(socket!.content).toMatch(/^\[Unit\]\nConditionPathExists=!\/$/m)
  expect(workload.notes()).toEqual([expect.stringContaining('redis-server.socket stays down until')])
})

describe('on disk', () => {
  const landing = () => join(place.directory, 'etc/landing')
  const plan = (hold: boolean) => ({
    swap: join(place.directory, 'swap'),
    boot: 'boot-before',
    lastPid: 5000,
    early: true,
    sockets: ['systemd-journald-dev-log.socket'],
    up: undefined,
    hold,
    back: { kernel: '/boot/vmlinuz-old', initrd: '/boot/initrd.img-old', commandLine: 'root=/dev/vda  rw' },
    aim: grub.aimCommand('menu>entry with blanks'),
    addresses: { links: ['eth0', 'eth1'], arrive: 'link set dev eth0 up\n', settle: 'route replace …\n' },
    carried: [carried()],
  })

  beforeEach(async () => {
    await removeLanding()
    await prepareCheckpoint(carried())
    await writeLanding(plan(false))
  })

  test('what the static scripts read is there, a value a line', async () => {
    const read = (name: string) => readFile(join(landing(), name), 'utf8')
    expect(await readlink(join(landing(), 'swap'))).toBe(join(place.directory, 'swap'))
    expect(await read('boot-id')).toBe('boot-before\n')
    expect(await read('last-pid')).toBe('5000\n')
    expect(await read('layout-version')).toBe(`${layoutVersion}\n`)
    expect(await read('links')).toBe('eth0\neth1\n')
    expect(await read('fallback')).toBe('grub-reboot\nmenu>entry with blanks\n')
    expect(await read('back')).toBe('/boot/vmlinuz-old\n/boot/initrd.img-old\nroot=/dev/vda  rw\n')
    expect(await read('units.list')).toBe('redis-server.service\n')
    expect(await read('units/redis-server.service.d/zz-kernelswap.conf')).toBe(dropIn(carried()))
    const { checkpoint } = carried()
    expect(await readFile(join(checkpoint, 'main-pid'), 'utf8')).toBe('331\n')
    expect(await readFile(join(checkpoint, 'on-restore-failure'), 'utf8')).toBe('cold\n')
    expect(await readFile(join(checkpoint, 'images/restore.conf'), 'utf8')).toContain(
      'inherit-fd fd[1]:socket:[7]',
    )
  })

  /** The images hold the memory of services, and the landing names where they lie. */
  test('nobody but root looks into it', async () => {
    for (const directory of [landing(), carried().checkpoint, join(carried().checkpoint, 'images')]) {
      expect((await stat(directory)).mode & 0o777, directory).toBe(0o700)
    }
  })

  test('but what it hands to systemd is for everybody to read, whatever the umask', async () => {
    const umask = process.umask(0o077)
    await writeLanding(plan(false)).finally(() => process.umask(umask))
    const modeOf = async (name: string) => (await stat(join(landing(), 'units', name))).mode & 0o777
    expect(await modeOf('redis-server.service.d')).toBe(0o755)
    expect(await modeOf('redis-server.service.d/zz-kernelswap.conf')).toBe(0o644)
  })

  test('only a swap that looks first holds the restored tasks', async () => {
    expect(await readdir(landing())).not.toContain('hold')
    await writeLanding(plan(true))
    expect(await readdir(landing())).toContain('hold')
    await writeLanding(plan(false))
    expect(await readdir(landing())).not.toContain('hold')
  })

  test('its state goes from unsealed over sealed to released, and is stale for every later boot', async () => {
    await writeLandingGate('table inet kernelswap\n')
    expect(await landingState('boot-after')).toBe('unsealed')
    await sealLanding()
    expect(await landingState('boot-after')).toBe('sealed')
    // As landing/static/release does it: the mark first, then the seal goes.
    await writeFile(join(landing(), 'released'), 'boot-after\n')
    expect(await landingState('boot-after')).toBe('released')
    await rm(join(landing(), 'sealed'))
    expect(await landingState('boot-after')).toBe('released')
    expect(await landingState('boot-third')).toBe('stale')
  })

  test('writing it again takes the seal away: no boot may find half of it', async () => {
    await sealLanding()
    await writeLanding(plan(false))
    expect(await landingState('boot-after')).toBe('unsealed')
  })

  /** With a sync for each file, a hundred units took minutes. */
  test('it is brought to disk at once, however many units it restores', async () => {
    const probe = await open('/dev/null')
    const sync = vi.spyOn(Object.getPrototypeOf(probe) as typeof probe, 'sync')
    await probe.close()
    const syncsWith = async (units: number) => {
      sync.mockClear()
      const all = Array.from({ length: units }, (_, index) => ({
        ...carried(),
        checkpoint: join(place.directory, `swap/workloads/app@${index}.service`),
      }))
      for (const one of all) await prepareCheckpoint(one)
      await writeLanding({ ...plan(false), carried: all })
      return sync.mock.calls.length
    }
    const [few, many] = [await syncsWith(1), await syncsWith(30)]
    sync.mockRestore()
    expect(many).toBe(few)
  })

  test('removing it leaves nothing, and may be repeated', async () => {
    await sealLanding()
    await removeLanding()
    await removeLanding()
    expect(await readdir(join(place.directory, 'etc'))).toEqual([])
    expect(await landingState('boot-after')).toBe('unsealed')
  })
})
