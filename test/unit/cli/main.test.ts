import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { reportWith } from '../report/reports.ts'
import { planWith } from '../swap/plans.ts'

// Each starts the program, some thrice, and a busy machine takes seconds for that.
vi.setConfig({ testTimeout: 60_000 })

const checkout = new URL('../../..', import.meta.url).pathname
const isRoot = process.getuid?.() === 0
const place = mkdtempSync(join(tmpdir(), 'kernelswap-main-'))
const program = join(place, 'kernelswap.js')

/** The bundle that users run; where it ends up is ours, so that nobody's dist/ changes under them. */
beforeAll(() => {
  const script = `import { bundleInParts } from './scripts/bundle.js'; await bundleInParts('src/main.ts', ${JSON.stringify(program)})`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
  chmodSync(place, 0o755)
}, 60_000)
afterAll(() => rmSync(place, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(program: string, words: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', cwd: '/' })
  // Whatever goes wrong, people get a sentence.
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m)
  expect(stderr).not.toContain('node:internal')
  return { code: status, stdout, stderr }
}

const kernelswap = (...words: string[]) => start(process.execPath, [program, ...words])

const verbs = [
  'plan',
  'run',
  'status',
  'report',
  'adopt',
  'rehearse',
  'resume',
  'config',
  'schedule',
  'doctor',
  'kernels',
]

describe('help', () => {
  test('names every verb but those that are not for people, on standard output', () => {
    const { code, stdout, stderr } = kernelswap('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'))
    expect(stdout).not.toMatch(/^ {2}execute\b/m)
  })

  test.each(verbs)('%s', (verb) => {
    expect(kernelswap(verb, '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`kernelswap ${verb}`),
    })
  })

  test('the version is a number alone', () => {
    expect(kernelswap('--version')).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })
})

describe('wrong usage ends with 2 and says what was wrong, on standard error', () => {
  test.each([
    ['no verb', [], /Usage: kernelswap/],
    ['an unknown verb', ['swap'], /unknown command 'swap'/],
    ['an unknown option', ['plan', '--fast'], /unknown option '--fast'/],
    ['an option without its value', ['run', '--kernel'], /argument missing/],
    ['a missing argument', ['snapshot'], /missing required argument 'unit\|pid'/],
    ['nothing to adopt', ['adopt'], /Name one unit, or say --all/],
    ['a unit beside all', ['adopt', '--all', 'redis'], /Name one unit, or say --all/],
    ['an argument too many', ['status', 'redis'], /too many arguments/],
    ['a schedule without a time', ['schedule'], /Say when/],
    ['a time that is none', ['schedule', '--on-calendar', 'soon'], /"soon" is no calendar expression/],
    ['a time that is over', ['schedule', '--on-calendar', '2020-01-01'], /never comes again/],
    [
      'a delay that may miss its window',
      ['schedule', '--on-calendar', 'Sun 03:00', '--random-delay', '2h', '--window', '90m'],
      /may outlast the window/,
    ],
    [
      'a window that never opens',
      ['schedule', '--on-calendar', 'Sun 03:00', '--window', '0'],
      /^kernelswap: A window of 0 is over before anything begins; write it as 30m or 2h\.\n$/,
    ],
    [
      'a window that never closes',
      ['schedule', '--on-calendar', 'Sun 03:00', '--window', 'infinity'],
      /^kernelswap: A window of infinity is longer than a year/,
    ],
  ])('%s', (_, words, message) => {
    expect(kernelswap(...words)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(message) })
  })
})

describe.runIf(isRoot)('without root', () => {
  const asNobody = (...words: string[]) => {
    const drop = ['--reuid=65534', '--regid=65534', '--clear-groups', '--']
    return start('setpriv', [...drop, process.execPath, program, ...words])
  }

  test.each([
    ['plan'],
    ['doctor'],
    ['schedule', 'show'],
    ['schedule', 'off'],
    ['run', '--yes'],
    ['status'],
    ['report'],
    ['adopt', 'x'],
    ['resume'],
    ['bundle', 'restore', 'x'],
  ])('%s', (...words) => {
    expect(asNobody(...words)).toEqual({
      code: 77,
      stdout: '',
      stderr: 'kernelswap: kernelswap must be root here; run it with sudo.\n',
    })
  })

  test('rehearse says how to go on', () => {
    expect(asNobody('rehearse')).toMatchObject({
      code: 77,
      stdout: '',
      stderr: expect.stringMatching(/root/),
    })
  })

  test('help needs none', () => {
    expect(asNobody('plan', '--help').code).toBe(0)
  })
})

/** Runs kernelswap with an empty /run and /var/lib, so that whatever host this is looks the same. */
function onBareHost(prepare: string, ...words: string[]): Ended {
  const line = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && ${prepare} && exec "$0" "$@"`
  return start('unshare', ['--mount', 'sh', '-c', line, process.execPath, program, ...words])
}

const canMount =
  isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0

describe.runIf(canMount)('as root', () => {
  const withSystemd = 'mkdir -p /run/systemd/system'

  test.each([
    ['plan', '--json'],
    ['run', '--yes'],
    ['adopt', 'redis'],
    ['resume'],
    ['bundle', 'restore', 'x'],
  ])('%s is refused on a host that systemd does not run', (...words) => {
    const { code, stdout, stderr } = onBareHost('true', ...words)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^kernelswap: This host is not run by systemd.*\n$/)
  })

  test('a configuration with a mistake ends with 78 and names the file', () => {
    const broken = `${withSystemd} /run/kernelswap/config.d && echo 'units = 1' > /run/kernelswap/config.d/10.toml`
    expect(onBareHost(broken, 'plan')).toEqual({
      code: 78,
      stdout: '',
      stderr: expect.stringMatching(
        /^kernelswap: \/run\/kernelswap\/config\.d\/10\.toml:1: units: unknown key, expected one of .*; correct the file\.\n$/,
      ),
    })
  })

  test('the same configuration is refused by `config check`', () => {
    const broken = `${withSystemd} /run/kernelswap/config.d && echo 'units = 1' > /run/kernelswap/config.d/10.toml`
    expect(onBareHost(broken, 'config', 'check')).toMatchObject({ code: 78, stdout: '' })
  })

  test('a good configuration is fine with `config check`, and shown with its origin', () => {
    const good = `${withSystemd} /run/kernelswap/config.d && echo 'keep = 7' > /run/kernelswap/config.d/10.toml`
    expect(onBareHost(good, 'config', 'check')).toEqual({ code: 0, stdout: '', stderr: '' })
    const shown: unknown = JSON.parse(onBareHost(good, 'config', 'show', '--json').stdout)
    expect(shown).toMatchObject({
      schema: 'kernelswap.configuration/1',
      settings: expect.arrayContaining([
        { key: 'keep', path: ['keep'], value: 7, file: '/run/kernelswap/config.d/10.toml', line: 1 },
        { key: 'fallback', path: ['fallback'], value: 'boot-loader', file: null, line: null },
      ]),
    })
  })

  test('a second kernelswap at work ends with 75; a lock that was left behind does not', () => {
    const own = '"$(cut -d" " -f22 /proc/$$/stat)"'
    const left = `${withSystemd} /run/kernelswap && printf '%s %s' $$ ${own} > /run/kernelswap/lock`
    expect(onBareHost(`${left} && exec 9< /run/kernelswap/lock && flock 9`, 'resume')).toMatchObject({
      code: 75,
      stderr: expect.stringMatching(/^kernelswap: Another kernelswap \(PID \d+\) is at work/),
    })
    expect(onBareHost(left, 'resume')).toMatchObject({ code: 0, stderr: 'nothing to resume\n' })
  })

  describe('on file systems that are read-only', () => {
    test('nobody is said to be at work', () => {
      const readOnly = `${withSystemd} && mount -o remount,ro /run`
      expect(onBareHost(readOnly, 'resume')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /^kernelswap: The lock \/run\/kernelswap\/lock can't be taken: EROFS.*\n$/,
        ),
      })
    })
  })

  test('a kernel that is not installed is refused', () => {
    expect(onBareHost(withSystemd, 'plan', '--kernel', '9.9.9')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^kernelswap: Kernel 9\.9\.9 is not installed/),
    })
  })

  describe('programs that are missing', () => {
    const without = (folder: string) => `${withSystemd} && mount -t tmpfs none ${folder}`

    test('the plan names them all with their packages, and refuses', () => {
      const kernel = 'mount -t tmpfs none /boot && touch /boot/vmlinuz-999.9.9'
      expect(onBareHost(`${kernel} && ${without('/usr/sbin')}`, 'plan')).toEqual({
        code: 3,
        stdout: '',
        stderr: expect.stringMatching(
          /^kernelswap: Programs are missing that a swap needs: kexec is not installed \(apt install kexec-tools\), nft .*\n$/,
        ),
      })
      const { code, stdout } = onBareHost(without('/usr/sbin'), 'doctor')
      expect({ code, stdout }).toEqual({
        code: 3,
        stdout: expect.stringMatching(/^programs +problem +nft is not installed +apt install nftables$/m),
      })
    })

    test('any other verb names the one that it would start', () => {
      expect(onBareHost(`${withSystemd} && PATH=/nowhere`, 'schedule', 'show')).toMatchObject({ code: 0 })
      expect(onBareHost('PATH=/nowhere', 'schedule', '--on-calendar', 'Sun 03:00')).toEqual({
        code: 1,
        stdout: '',
        stderr: 'kernelswap: systemd-analyze: it is not installed; apt install systemd\n',
      })
    })
  })

  describe('run --scheduled', () => {
    const withKernel = `${withSystemd} && mount -t tmpfs none /boot && touch /boot/vmlinuz-999.9.9`

    test('does nothing where no newer kernel is installed, which is no failure', () => {
      const none = `${withSystemd} && mount -t tmpfs none /boot`
      expect(onBareHost(none, 'run', '--scheduled')).toEqual({
        code: 0,
        stdout: '',
        stderr: expect.stringMatching(/^no kernel newer than \S+ is installed\n$/),
      })
    })

    test('is refused outside its window, by name of kernel and window', () => {
      // Half a year away, whenever this runs.
      const month = ((new Date().getUTCMonth() + 6) % 12) + 1
      const calendar = `*-${month}-15 03:00 UTC`
      expect(
        onBareHost(withKernel, 'run', '--scheduled', '--on-calendar', calendar, '--window', '2h'),
      ).toEqual({
        code: 3,
        stdout: '',
        stderr: `kernelswap: Kernel 999.9.9 is due, but its window (${calendar}) is closed; the next one tries again.\n`,
      })
    })

    test('chooses the kernel itself', () => {
      expect(onBareHost(withSystemd, 'run', '--scheduled', '--kernel', '999.9.9').code).toBe(2)
    })

    test('without the lock of its fleet nothing is begun, and it may be tried again', () => {
      const locked = `${withKernel} && mkdir /run/kernelswap && mkdir /run/kernelswap/config.d && printf '[fleet-lock]\\nurl = "http://127.0.0.1:1"\\n' > /run/kernelswap/config.d/10.toml`
      expect(onBareHost(locked, 'run', '--scheduled')).toEqual({
        code: 75,
        stdout: '',
        stderr: expect.stringMatching(/The lock of group default was not taken, so nothing was begun/),
      })
    })
  })

  test('where there was no swap yet, status says so and report is wrong usage', () => {
    const status = onBareHost('true', 'status', '--json')
    expect(JSON.parse(status.stdout)).toMatchObject({ schema: 'kernelswap.status/1', busy: null, swaps: [] })
    expect(onBareHost('true', 'status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no swap yet'),
    })
    expect(onBareHost('true', 'report')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no swap yet/),
    })
  })

  beforeAll(() => {
    writeFileSync(join(place, 'plan.json'), JSON.stringify(planWith()))
    writeFileSync(join(place, 'report.json'), JSON.stringify(reportWith({ id: '20261101000000' })))
  })

  describe('kernels', () => {
    const to = '999.1.1'
    const swap = '/var/lib/kernelswap/swaps/20261101000000'
    const prepared = [
      withSystemd,
      'mount -t tmpfs none /boot',
      `mkdir -p /boot/grub ${swap}`,
      `touch /boot/vmlinuz-${to} /boot/vmlinuz-999.9.9`,
      `printf 'set default="1"\nmenuentry Old {\nlinux /boot/vmlinuz-1\n}\nmenuentry New {\nlinux /boot/vmlinuz-999.9.9\n}\n' > /boot/grub/grub.cfg`,
      `cp '${join(place, 'to.json')}' ${swap}/plan.json && cp '${join(place, 'report.json')}' ${swap}/`,
    ].join(' && ')
    beforeAll(() => {
      writeFileSync(join(place, 'to.json'), JSON.stringify(planWith({ kernel: { from: '1', to } })))
    })

    test('are listed with what they are, what is in the way of a swap, and earlier swaps', () => {
      const { code, stdout } = onBareHost(prepared, 'kernels', '--json')
      expect(code).toBe(0)
      const { schema, kernels } = JSON.parse(stdout) as { schema: string; kernels: unknown[] }
      expect(schema).toBe('kernelswap.kernels/1')
      expect(kernels).toEqual([
        expect.objectContaining({
          release: to,
          default: false,
          newest: false,
          target: false,
          swaps: [{ id: '20261101000000', verdict: reportWith().verdict }],
        }),
        expect.objectContaining({
          release: '999.9.9',
          running: false,
          default: true,
          newest: true,
          target: true,
          obstacles: [
            { code: 'kernel-files', reason: expect.stringMatching(/initrd/), remedy: expect.any(String) },
          ],
          swaps: [],
        }),
      ])
      const text = onBareHost(prepared, 'kernels').stdout
      expect(text).toMatch(/^999\.9\.9 +default, newest, target +not possible: .*remedy: .* none$/m)
    })

    test('one that is not installed has no difference, and says where they are listed', () => {
      expect(onBareHost(prepared, 'kernels', 'diff', '9.9.9', '--json')).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/Kernel 9\.9\.9 is not installed; `kernelswap kernels` lists/),
      })
    })

    test('one whose files are damaged is named, and what else is known is told', () => {
      const { code, stdout } = onBareHost(prepared, 'kernels', 'diff', '999.9.9', to, '--json')
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        schema: 'kernelswap.kernels-diff/1',
        from: { release: '999.9.9', version: null },
        layout: null,
        types: null,
        notes: expect.arrayContaining([expect.stringMatching(/999\.9\.9 is no boot image/)]),
      })
    })
  })

  describe('files of an old swap that are damaged', () => {
    const swaps = '/var/lib/kernelswap/swaps'
    const damaged = [
      withSystemd,
      `mkdir -p ${swaps}/20261101000000 ${swaps}/20261102000000 ${swaps}/20261103000000`,
      `cp '${join(place, 'plan.json')}' ${swaps}/20261101000000/`,
      `cp '${join(place, 'report.json')}' ${swaps}/20261101000000/`,
      `echo '{' > ${swaps}/20261103000000/plan.json`,
    ].join(' && ')

    test('keep no verb from its work, and are named', () => {
      const status = onBareHost(damaged, 'status')
      expect(status).toMatchObject({ code: 0, stderr: '' })
      expect(status.stdout).toMatch(/^20261101000000 .*begun$/m)
      expect(status.stdout).toMatch(/^20261102000000 .*20261102000000\/plan\.json is damaged: it is missing/m)
      expect(status.stdout).toMatch(/^20261103000000 .*20261103000000\/plan\.json is damaged/m)
      const report = onBareHost(damaged, 'report', '--json')
      expect(report).toMatchObject({ code: 0, stderr: expect.stringMatching(/20261103000000\/plan\.json/) })
      expect(JSON.parse(report.stdout)).toMatchObject({ id: '20261101000000' })
      expect(onBareHost(damaged, 'resume')).toMatchObject({ code: 0, stderr: 'nothing to resume\n' })
      expect(onBareHost(damaged, 'abandon', '--yes')).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/No swap is pending/),
      })
      // No kernel to swap to: that is as far as it gets without a boot loader.
      expect(onBareHost(damaged, 'run', '--yes', '--kernel', '9.9.9')).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/20261103000000\/plan\.json.*\n.*9\.9\.9 is not installed/),
      })
    })

    test('a report is written for a browser too, for its owner alone, and nothing but a file is replaced', () => {
      const file = join(place, 'page.html')
      expect(onBareHost(damaged, 'report', '20261101000000', '--html', file).code).toBe(0)
      expect(readFileSync(file, 'utf8')).toContain('<title>swap 20261101000000: swapped</title>')
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(onBareHost(damaged, 'report', '20261101000000', '--html', place)).toMatchObject({
        ...{ code: 2, stdout: '' },
        stderr: expect.stringContaining(`${place} could not be written: it is there, and no regular file`),
      })
    })

    test('are a mismatch for who asks for that swap', () => {
      const asked = onBareHost(damaged, 'report', '20261103000000')
      expect(asked).toMatchObject({ code: 4, stderr: expect.stringMatching(/plan\.json is damaged/) })
    })
  })

  test.each([['../../../../tmp/x'], ['a'.repeat(5000)], ['20261101000000/../20261101000000']])(
    'an id that is none is wrong usage, in a sentence, and no path',
    (id) => {
      for (const verb of ['report', 'execute'])
        expect(onBareHost('true', verb, id)).toEqual({
          code: 2,
          stdout: '',
          stderr: expect.stringMatching(/^kernelswap: That is no id of a swap.{1,100}\n$/),
        })
    },
  )

  test('a swap that is over, or was given up for another, is not carried out', () => {
    const swap = '/var/lib/kernelswap/swaps/20261101000000'
    const old = `mkdir -p ${swap} && cp '${join(place, 'plan.json')}' ${swap}/`
    expect(onBareHost(old, 'execute', '20261101000000')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/20261101000000 is over, or under way/),
    })
    const line = { version: 1, time: 1, boot: 'x', kernel: 'y', kind: 'verdict', verdict: 'swapped' }
    const over = `${old} && echo 20261101000000 > ${swap}/../../pending && echo '${JSON.stringify(line)}' > ${swap}/journal.jsonl`
    expect(onBareHost(over, 'execute', '20261101000000').code).toBe(3)
  })

  describe('what others than root could change is not gone by', () => {
    const state = '/var/lib/kernelswap'
    const swap = `${state}/swaps/20261101000000`
    const sound = `${withSystemd} && mkdir -m 700 -p ${swap} && cp '${join(place, 'plan.json')}' '${join(place, 'report.json')}' ${swap}/`

    test.each([
      ['the state directory', `chmod 777 ${state}`, `${state} can be written`],
      ['the directory above it', 'chmod 775 /var/lib', '/var/lib can be written'],
      ['the swaps', `chown 1000 ${state}/swaps`, `${state}/swaps belongs to user 1000`],
      ['a swap', `chmod 777 ${swap}`, `${swap} can be written`],
      ['a plan', `chmod 666 ${swap}/plan.json`, `${swap}/plan.json can be written`],
      ['a report', `chown 1000 ${swap}/report.json`, `${swap}/report.json belongs to user 1000`],
      ['what a landing tells', 'mkdir -m 777 /run/kernelswap', '/run/kernelswap can be written'],
    ])('%s', (_, loosen, why) => {
      expect(onBareHost(sound, 'report', '20261101000000').code).toBe(0)
      expect(onBareHost(`${sound} && ${loosen}`, 'report', '20261101000000')).toEqual({
        code: 78,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`^kernelswap: Others could .*: ${why}.*\\.\n$`)),
      })
    })

    test.each(['plan', 'resume', 'status', 'execute'])('by %s either', (verb) => {
      const words = verb === 'execute' ? ['20261101000000'] : []
      expect(onBareHost(`${sound} && chmod 777 ${state}`, verb, ...words).code).toBe(78)
    })
  })

  test('what it makes is its own, whatever the umask', () => {
    const made = `umask 000 && ${withSystemd} && "$0" "$1" resume && exec stat --format=%a /run/kernelswap /run/kernelswap/lock`
    const line = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && ${made}`
    const { status, stdout } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', line, process.execPath, program],
      {
        encoding: 'utf8',
      },
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '700\n600\n' })
  })
})
