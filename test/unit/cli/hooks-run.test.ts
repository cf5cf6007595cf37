import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

// A busy machine takes seconds to start the program.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const checkout = new URL('../../..', import.meta.url).pathname
const place = mkdtempSync(join(tmpdir(), 'kernelswap-hooks-run-'))
const program = join(place, 'kernelswap.js')
const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0

afterAll(() => rmSync(place, { recursive: true }))

/** One service, x.service, whose process is the test; its hooks are those in `place`, /run is there as well. */
describe.runIf(canMount)('kernelswap hooks run', () => {
  beforeAll(() => {
    const script = `import { bundle } from './scripts/bundle.js'; await bundle('src/main.ts', ${JSON.stringify(program)})`
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
  })
  beforeEach(() => {
    rmSync(join(place, 'run'), { recursive: true, force: true })
    mkdirSync(join(place, 'run/systemd/system'), { recursive: true })
    mkdirSync(join(place, 'run/bin'))
    const shown = 'Id=x.service\nLoadState=loaded\nActiveState=active\nControlGroup=/x.service\nMainPID='
    writeFileSync(join(place, 'run/bin/systemctl'), `#!/bin/sh\ncat <<end\n${shown}${process.pid}\nend\n`, {
      mode: 0o755,
    })
  })

  const prepare = [
    `mount --bind ${place}/run /run`,
    'mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/x.service',
    `echo ${process.pid} > /sys/fs/cgroup/x.service/cgroup.procs`,
    'mount -t tmpfs none /mnt && cp -a /etc/. /mnt && mount --bind /mnt /etc',
    'rm -rf /etc/kernelswap && mkdir -p /etc/kernelswap/hooks.d/all',
    `install -m 755 ${place}/hook /etc/kernelswap/hooks.d/all/50-own`,
    'PATH=/run/bin:$PATH && exec "$0" "$@"',
  ].join(' && ')

  function words(hook: string, more: readonly string[]): string[] {
    writeFileSync(join(place, 'hook'), hook)
    return ['--mount', 'sh', '-c', prepare, process.execPath, program, 'hooks', 'run', 'x.service', ...more]
  }

  test('shows what a hook says, and the terminal does nothing of it', () => {
    const veto = '#!/bin/sh\nprintf "\\033]52;c;cm0=\\007\\r\\nfine: ok\\033[1A\\n" >&2; exit 10\n'
    const { status, stdout, stderr } = spawnSync('unshare', words(veto, ['check']), { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
    expect(stdout).toMatch(/^all\/50-own: veto: fine: ok\\x1b\[1A \(/m)
    expect(stdout).toContain('    \\x1b]52;c;cm0=\\x07\\r\n')
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u)
  })

  test.each([
    [
      'CR LF',
      '#!/bin/sh\r\nexit 0\r\n',
      /^all\/50-own: broken: could not be started: its lines end in CR LF/m,
    ],
    [
      'JSON 100,000 deep',
      `#!/bin/sh\nperl -e 'print "[" x 1e5, "]" x 1e5'\n`,
      /^all\/50-own: broken: printed no JSON as its baseline \(it is nested deeper than 100 levels\)/m,
    ],
  ])('calls a hook with %s broken, which is 1', (_, hook, said) => {
    const { status, stdout, stderr } = spawnSync('unshare', words(hook, ['capture']), { encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: expect.stringMatching(said), stderr: '' })
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends the hook with all that it has started, and leaves nothing behind',
    async (signal) => {
      const hook = `#!/bin/sh\ntrap '' INT TERM HUP; sleep 1000 & echo $$ $! > /run/pids.new; mv /run/pids.new /run/pids; wait\n`
      const child = spawn('unshare', words(hook, ['check']), { stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
      const pids = join(place, 'run/pids')
      await vi.waitFor(() => expect(existsSync(pids)).toBe(true), 30_000)
      expect(readdirSync(join(place, 'run/kernelswap')).join()).toMatch(/^hooks-/)
      child.kill(signal)
      expect(await ended).toEqual({ code: 128 + constants.signals[signal], signal: null })
      expect(readdirSync(join(place, 'run/kernelswap'))).toEqual([])
      const processes = readFileSync(pids, 'utf8').trim().split(' ')
      await vi.waitFor(() => expect(processes.filter(isAlive)).toEqual([]), 30_000)
    },
  )
})

/** Whoever has ended and has no parent to say so to counts as gone. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
