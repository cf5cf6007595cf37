import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { wordsOf } from '../../../src/cli/words.ts'
import type { Report } from '../../../src/report/report.ts'
import type { SwapEvent } from '../../../src/swap/event.ts'
import { eventLine } from '../../../src/swap/event-line.ts'
import { version } from '../../../src/version.ts'
import { planWith, workloadWith } from '../../unit/swap/plans.ts'
import { canServe, hangUp, operator, type Server, startServer } from '../remote/sshd.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('what the host is told is what was typed, without what is for us', () => {
  /** Parses a command line as the program does, and says it again. */
  async function said(argv: readonly string[]): Promise<string[]> {
    const program = await createProgram()
    let words: string[] = []
    program.hook('preAction', (_, command) => {
      words = wordsOf(command)
      throw new Error('parsed')
    })
    await expect(program.parseAsync(argv, { from: 'user' })).rejects.toThrow('parsed')
    return words
  }

  test.each([
    [
      ['--host', 'a', 'status', '--json'],
      ['status', '--json'],
    ],
    [
      ['run', '--kernel', '6.12', 'redis', '--host', 'a', 'nginx', '--restart=b', '--restart', '-c', '--yes'],
      ['run', '--kernel=6.12', '--restart=b', '--restart=-c', '--yes', '--', 'redis', 'nginx'],
    ],
    [
      ['--install', '--ssh-config', 'f', '--host', 'a', 'plan', '--no-trial', '--', '--no-trial', '--host'],
      ['plan', '--no-trial', '--', '--no-trial', '--host'],
    ],
    [
      ['hooks', 'run', 'redis', 'check', '--strict', '--host', 'a'],
      ['hooks', 'run', '--strict', '--', 'redis', 'check'],
    ],
    [
      ['--host', 'a', 'kernels'],
      ['kernels', 'list'],
    ],
  ])('%j', async (argv, words) => {
    expect(await said(argv)).toEqual(words)
    expect(await said(words)).toEqual(words)
  })
})

describe.runIf(canServe())('kernelswap --host', () => {
  const checkout = new URL('../../..', import.meta.url).pathname
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-remote-'))
  const program = join(place, 'kernelswap.js')
  let servers: Server[] = []

  beforeAll(async () => {
    const script = `import { bundle } from './scripts/bundle.js'; await bundle('src/main.ts', ${JSON.stringify(program)})`
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place, 'key')])
    const key = readFileSync(join(place, 'key.pub'), 'utf8')
    servers = [await startServer(key), await startServer(key)]
    const hosts = servers.map(({ port }, index) => `Host ${'ab'[index]}\nPort ${port}\n`)
    const common = `Host *\nHostName 127.0.0.1\nUser root\nIdentityFile ${place}/key\nIdentityAgent none\nUserKnownHostsFile ${place}/known_hosts\n`
    writeFileSync(join(place, 'config'), hosts.join('') + common)
    const known = servers.map(({ port, hostKey }) => `[127.0.0.1]:${port} ${hostKey}\n`)
    writeFileSync(join(place, 'known_hosts'), known.join(''))
  })
  afterAll(async () => {
    for (const server of servers) await server.stop()
    rmSync(place, { recursive: true })
  })
  beforeEach(() => {
    for (const server of servers) install(server, '')
  })

  /** Puts a program in the place of kernelswap there; `state` is a folder of its own. */
  function install({ folder }: Server, lines: string): void {
    const state = join(folder, 'state')
    rmSync(state, { recursive: true, force: true })
    mkdirSync(state)
    writeFileSync(join(state, 'boot'), 'first\n')
    const script = (name: string, text: string) => {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\nstate=${state}\n${text}\n`)
      chmodSync(join(folder, 'bin', name), 0o755)
    }
    script(
      'kernelswap',
      `[ "$1" != --version ] || { echo ${version}; exit; }
echo "$*" >> $state/calls
case $1 in
status) [ ! -e $state/began ] || echo swap >> $state/looks
	if [ -e $state/jumped ]; then
		case $(wc -l < $state/looks) in
		1) at='{"phase":"freeze","step":"seal"}' verdict=null ;;
		2) at='{"phase":"verify","step":"verify"}' verdict=null ;;
		*) at=null verdict=\\"$(cat $state/verdict)\\" ;;
		esac
	fi
	common='"from":"6.12.0","to":"6.12.1","state":"in words","landed":false,"bytes":1'
	swaps="{\\"id\\":\\"20260101000000\\",$common,\\"step\\":null,\\"verdict\\":\\"swapped\\"}"
	[ ! -e $state/began ] || swaps="$swaps,{\\"id\\":\\"20260102000000\\",$common,\\"step\\":\${at:-null},\\"verdict\\":\${verdict:-null}}"
	echo "{\\"schema\\":\\"kernelswap.status/1\\",\\"kernel\\":\\"6.12.1\\",\\"busy\\":null,\\"bytes\\":1,\\"trialBytes\\":0,\\"failure\\":null,\\"swaps\\":[$swaps]}"
	exit ;;
report) [ "$2" != 20260102000000 ] || { cat $state/report; exit; } ;;
esac
${lines}`,
    )
    // The kernel's boot id is what it is; that there is another boot has to be told.
    script(
      'cat',
      `case $1 in /proc/sys/kernel/random/boot_id) exec /usr/bin/cat $state/boot ;; esac; exec /usr/bin/cat "$@"`,
    )
    writeFileSync(join(state, 'report'), JSON.stringify(report('swapped')))
    writeFileSync(join(state, 'verdict'), 'swapped')
  }

  /** A line of shell that tells an event. */
  const say = (event: SwapEvent) => `echo '${eventLine(event)}'`
  const calls = ({ folder }: Server) => readFileSync(join(folder, 'state/calls'), 'utf8').trim().split('\n')
  const report = (verdict: string) => ({
    ...{ schema: 'kernelswap.report/1', id: '20260102000000', verdict, reason: null },
    kernel: { from: '6.12.0', to: '6.12.1', running: '6.12.1' },
    ...{ workloads: [], freeze: [], timeline: [], outage: null },
  })

  function kernelswap(...words: string[]) {
    const args = [program, '--ssh-config', join(place, 'config'), ...words]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      cwd: '/',
      timeout: 50_000,
    })
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m)
    return { code: status, stdout, stderr }
  }

  test('passes a verb on, and its output, its advice and its exit code back', () => {
    install(servers[0]!, 'echo document; echo advice >&2; exit 3')
    expect(kernelswap('--host', 'a', 'plan', '--kernel', '6.12.1', "it's", '--json')).toEqual({
      code: 3,
      stdout: 'document\n',
      stderr: 'advice\n',
    })
    expect(calls(servers[0]!)).toEqual(["plan --kernel=6.12.1 --json -- it's"])
  })

  test('brings all of it over, and nothing that the terminal here would act on', () => {
    const list = `seq -f '"%.0f",' 1 100000; echo '"end"]'`
    install(servers[0]!, `printf '['; ${list}; printf 'trial of \\033[2Jx\\n' >&2`)
    const { code, stdout, stderr } = kernelswap('--host', 'a', 'plan', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'trial of \\x1b[2Jx\n' })
    expect(JSON.parse(stdout)).toHaveLength(100_001)
    install(servers[0]!, `printf 'unit\\r\\033]52;c;QQ==\\007\\nready\\n'`)
    expect(kernelswap('--host', 'a', 'plan').stdout).toBe('unit\\r\\x1b]52;c;QQ==\\x07\nready\n')
  })

  test('writes the page of a report here, and not over there', () => {
    install(servers[0]!, `cat ${servers[0]!.folder}/state/report`)
    const file = join(place, 'page.html')
    const { code, stdout } = kernelswap('--host', 'a', 'report', '20260102000000', `--html=${file}`)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^swap 20260102000000: swapped\n/),
    })
    expect(calls(servers[0]!)).toEqual(['report --json -- 20260102000000'])
    expect(readFileSync(file, 'utf8')).toContain('<title>swap 20260102000000: swapped</title>')
  })

  test('asks one host after the other, up to the first that does not end well', () => {
    install(servers[0]!, 'echo first')
    install(servers[1]!, 'echo second; exit 1')
    expect(kernelswap('--host', 'a', '--host', 'b', 'report')).toEqual({
      code: 1,
      stdout: 'first\nsecond\n',
      stderr: 'a:\nb:\n',
    })
    expect(kernelswap('--host', 'b', '--host', 'a', 'report')).toMatchObject({ code: 1, stdout: 'second\n' })
  })

  test('follows a swap over the jump to its report, and knows the jump by the boot', () => {
    const jump = `${say({ kind: 'step', phase: 'jump', step: 'jump', seconds: 1 })}; echo second > $state/boot; : > $state/began; : > $state/jumped; ${hangUp}`
    install(servers[0]!, jump)
    const { code, stdout, stderr } = kernelswap('--host', 'a', 'run', '--yes', '--json', 'redis')
    expect({ code, report: JSON.parse(stdout) }).toEqual({ code: 0, report: report('swapped') })
    expect(stderr.split('\n')).toEqual([
      '   1.0 s  jump: jump',
      'a: jumping',
      'land: waiting for the new kernel',
      '6.12.1: freeze: seal',
      '6.12.1: verify: verify',
      '',
    ])
    expect(calls(servers[0]!)).toContain('run --events --yes -- redis')
  })

  test('stops at a bad verdict: the next host is not asked', () => {
    install(servers[0]!, `: > $state/began; : > $state/jumped; echo second > $state/boot; ${hangUp}`)
    const state = join(servers[0]!.folder, 'state')
    writeFileSync(join(state, 'report'), JSON.stringify(report('degraded')))
    writeFileSync(join(state, 'verdict'), 'degraded')
    const { code, stdout } = kernelswap('--host', 'a', '--host', 'b', 'run', '--yes')
    expect(code).toBe(1)
    expect(stdout).toContain('swap 20260102000000: degraded')
    expect(() => calls(servers[1]!)).toThrow('ENOENT')
  })

  test('does not believe in a swap without another boot', () => {
    install(servers[0]!, `: > $state/began; : > $state/jumped; ${hangUp}`)
    expect(kernelswap('--host', 'a', 'run', '--yes')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('it is the same boot as before'),
    })
  })

  test('says what the swap says where there was no jump', () => {
    const ended = report('aborted') as unknown as Report
    const failure = { kind: 'failure', failure: 'busy', exitCode: 75, message: 'Try again.' } as const
    install(servers[0]!, `${say({ kind: 'report', report: ended })}; exit 1`)
    expect(kernelswap('--host', 'a', 'run', '--yes')).toMatchObject({
      ...{ code: 1, stdout: expect.stringMatching(/^swap 20260102000000: aborted\n/), stderr: '' },
    })
    const { code, stdout } = kernelswap('--host', 'a', 'back', '--yes', '--json')
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 1, document: ended })
    install(servers[0]!, `echo advice >&2; ${say(failure)}; exit 75`)
    const { stderr, ...refused } = kernelswap('--host', 'a', 'run', '--yes')
    expect(refused).toEqual({ code: 75, stdout: '' })
    // What it says and its events come by two streams, of which either may be the first.
    expect(stderr.trim().split('\n').sort()).toEqual(['advice', 'kernelswap: Try again.'])
  })

  test('tells events, whose host they are, and nothing else on standard output', () => {
    const told: SwapEvent[] = [
      { kind: 'step', phase: 'stage', step: 'load-kernel', seconds: 1 },
      { kind: 'report', report: report('aborted') as unknown as Report },
    ]
    const forged = JSON.stringify({ ...JSON.parse(eventLine(told[0]!)), host: 'b' })
    install(servers[0]!, `echo '${forged}'; printf 'a \\033[2J line\\n'; ${say(told[1]!)}; exit 1`)
    const { code, stdout, stderr } = kernelswap('--host', 'a', 'run', '--yes', '--events')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).not.toContain('\x1b')
    const lines = stdout.trim().split('\n')
    const common = { schema: 'kernelswap.event/1', host: 'a' }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...common, ...told[0] },
      { ...common, kind: 'message', text: 'a \x1b[2J line' },
      { ...common, ...told[1] },
    ])
    expect(kernelswap('--host', 'a', 'run', '--yes', '--events', '--json')).toMatchObject({ code: 2 })
    const failed = kernelswap('--host', '127.0.0.1:1', 'run', '--yes', '--events')
    expect({ ...failed, stdout: JSON.parse(failed.stdout) }).toMatchObject({
      ...{ code: 1, stderr: '', stdout: { kind: 'failure', failure: 'failed', exitCode: 1 } },
    })
  })

  test('asks here before a swap, with the plan; without a terminal it does nothing', () => {
    writeFileSync(join(place, 'plan.json'), JSON.stringify(planWith()))
    const plan = `cat ${place}/plan.json`
    install(servers[0]!, plan)
    const { code, stderr } = kernelswap('--host', 'a', 'run', '--strict', 'redis')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^UNIT {2}[\s\S]*ready\nkernelswap: There is no terminal/m),
    })
    expect(calls(servers[0]!)).toEqual(['plan --no-trial --json -- redis'])
    // The plan is asked without the words that the swap alone knows.
    kernelswap('--host', 'a', 'run', '--max-outage', '20s', '--or-reboot', '--kernel', '6', 'redis')
    expect(calls(servers[0]!).at(-1)).toBe('plan --no-trial --json --kernel=6 -- redis')
    // A unit is a unit, whatever it is called.
    kernelswap('--host', 'a', 'run', '--strict', '--', '--strict')
    expect(calls(servers[0]!).at(-1)).toBe('plan --no-trial --json -- --strict')
    const refused = planWith({ ready: false })
    writeFileSync(join(place, 'plan.json'), JSON.stringify(refused))
    install(
      servers[0]!,
      `[ "$1" != run ] || { ${say({ kind: 'plan', plan: refused })}; exit 3; }; ${plan}; exit 3`,
    )
    expect(kernelswap('--host', 'a', 'run', '--yes')).toMatchObject({
      ...{ code: 3, stdout: expect.stringMatching(/refused\n$/) },
    })
    expect(kernelswap('--host', 'a', 'run')).toMatchObject({
      ...{ code: 3, stderr: expect.stringMatching(/^refused\nkernelswap: The plan of a refuses/m) },
    })
  })

  test('takes a reboot for a good end where that was asked for', () => {
    install(servers[0]!, `echo second > $state/boot; ${hangUp}`)
    const { code, stderr } = kernelswap('--host', 'a', 'run', '--yes', '--or-reboot')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('a: rebooted instead') })
  })

  test('tries where the checkpoint is to go before anything stands still for it', () => {
    const plan = planWith({ workloads: [workloadWith({ memoryBytes: 2 ** 50 })] })
    writeFileSync(join(place, 'plan.json'), JSON.stringify(plan))
    install(
      servers[0]!,
      `[ "$1" != plan ] || exec cat ${place}/plan.json; ${say({ kind: 'report', report: report('swapped') as unknown as Report })}`,
    )
    const evacuate = (directory: string) => kernelswap('--host', 'a', 'run', '--yes', '--evacuate', directory)
    expect(evacuate(join(place, 'kept'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('MiB free'),
    })
    expect(evacuate(join(place, 'key'))).toMatchObject({ code: 3, stderr: expect.stringContaining('EEXIST') })
    expect(evacuate('/proc/kept')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('nothing was begun'),
    })
    expect(calls(servers[0]!)).not.toContainEqual(expect.stringContaining('run'))
    writeFileSync(join(place, 'plan.json'), '{}')
    expect(evacuate(join(place, 'kept'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^.*not what this one knows.*\n$/),
    })
    writeFileSync(join(place, 'plan.json'), JSON.stringify(planWith()))
    expect(evacuate(join(place, 'kept'))).toMatchObject({
      ...{ code: 0, stdout: expect.stringMatching(/: swapped$/m) },
    })
    expect(calls(servers[0]!).at(-1)).toBe('run --events --yes --hand-over')
  })

  test.each([
    [['--host', 'a@b@c', 'status'], 2, 'is no host'],
    [['--host', 'a', 'rehearse'], 2, 'works here, without --host'],
    [['--install', 'status'], 2, '--install needs --host'],
    [['status'], 2, '--ssh-config needs --host'],
    [['--host', 'a', 'plan', '--no-such-option'], 2, 'unknown option'],
    [['--host', '127.0.0.1:1', 'status'], 1, "can't be reached"],
    [['--host', `${operator.name}@a`, 'status'], 77, 'no terminal to ask'],
  ])('%j ends with %i: %s', (words, code, complaint) => {
    const ended = kernelswap(...words)
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(complaint) })
    expect(ended.stderr.trim().split('\n').at(-1)).toMatch(/^kernelswap: |^error: |^\(--help/)
  })

  test('names the exit codes of a host that is not the known one, and of a kernelswap that is missing or another', () => {
    rmSync(join(servers[0]!.folder, 'bin/kernelswap'))
    expect(kernelswap('--host', 'a', 'status')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--install'),
    })
    const known = readFileSync(join(place, 'known_hosts'))
    writeFileSync(join(place, 'known_hosts'), '')
    expect(kernelswap('--host', 'a', 'status')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('SHA256:'),
    })
    writeFileSync(join(place, 'known_hosts'), known)
  })

  test('installs the package first where it is told to', () => {
    const { folder } = servers[0]!
    writeFileSync(join(place, 'kernelswap_0.0.9_all.deb'), 'the one before')
    writeFileSync(join(place, `kernelswap_${version}_all.deb`), 'a package')
    writeFileSync(
      join(folder, 'bin/apt-get'),
      `#!/bin/sh\necho "$*" >&2; for last; do :; done; cp "$last" ${folder}/installed; echo last $last > ${folder}/state/apt`,
    )
    chmodSync(join(folder, 'bin/apt-get'), 0o755)
    install(servers[0]!, 'echo fine')
    expect(kernelswap('--host', 'a', '--install', 'status', '--json')).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, 'installed'), 'utf8')).toBe('a package')
    const copy = readFileSync(join(folder, 'state/apt'), 'utf8').trim().replace('last ', '')
    expect(copy).toMatch(/^\/tmp\/kernelswap\.\w+\/[^/]+$/)
    expect(basename(copy)).toBe(`kernelswap_${version}_all.deb`)
    expect(() => readFileSync(copy)).toThrow('ENOENT')
  })

  test.each([
    ['y', 'y\n', 0, true],
    ['anything else', 'no\n', 1, false],
    ['Ctrl-D', '\x04', 1, false],
    ['Ctrl-C', '\x03', 130, false],
  ])('asks on the terminal whether to go on: %s', async (_, typed, code, isDone) => {
    install(servers[0]!, 'echo fine')
    const command = `${process.execPath} ${program} --ssh-config ${place}/config --host a abandon`
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'])
    let shown = ''
    child.stdout.on('data', (text) => {
      const wasAsked = shown.includes('[y/N] ')
      shown += text
      if (!wasAsked && shown.includes('[y/N] ')) child.stdin.write(typed)
    })
    const ended = await new Promise((resolve) => child.once('close', resolve))
    expect({ ended, shown }).toEqual({
      ended: code,
      shown: expect.stringContaining('Give up the swap? [y/N] '),
    })
    expect(existsSync(join(servers[0]!.folder, 'state/calls'))).toBe(isDone)
  })

  test('asks for a passphrase on the terminal and does not show it', () => {
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', join(place, 'key')])
    install(servers[0]!, 'echo fine')
    const command = `${process.execPath} ${program} --ssh-config ${place}/config --host a report`
    const { status, stdout } = spawnSync(
      'script',
      ['--quiet', '--return', '--command', command, '/dev/null'],
      {
        input: 'open sesame\n',
        encoding: 'utf8',
        timeout: 50_000,
      },
    )
    execFileSync('ssh-keygen', ['-q', '-p', '-P', 'open sesame', '-N', '', '-f', join(place, 'key')])
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/Passphrase of .*key: /) })
    expect(stdout).toContain('fine')
  })

  /** The installation apart, which is Ansible's and apt's own. */
  test.runIf(existsSync('/usr/bin/ansible-playbook'))(
    'does what the playbook in docs/ansible.md asks for',
    () => {
      const playbook = /```yaml\n([\s\S]*?)```/.exec(
        readFileSync(join(checkout, 'docs/ansible.md'), 'utf8'),
      )![1]!
      writeFileSync(join(place, 'swap.yml'), playbook)
      const settings = `ansible_host=127.0.0.1 ansible_ssh_args='-F ${place}/config -o ControlMaster=no'`
      const inventory = servers.map(({ port }, index) => `${'ab'[index]} ansible_port=${port} ${settings}`)
      writeFileSync(join(place, 'inventory'), `${inventory.join('\n')}\n`)
      mkdirSync(join(place, 'bin'), { recursive: true })
      const wrapper = `#!/bin/sh\nexec ${process.execPath} ${program} --ssh-config ${place}/config "$@"\n`
      writeFileSync(join(place, 'bin/kernelswap'), wrapper, { mode: 0o755 })
      const play = () =>
        spawnSync(
          'ansible-playbook',
          ['--inventory', join(place, 'inventory'), '--skip-tags', 'install', join(place, 'swap.yml')],
          {
            encoding: 'utf8',
            env: {
              ...process.env,
              PATH: `${place}/bin:${process.env.PATH}`,
              HOME: place,
              ANSIBLE_NOCOLOR: '1',
            },
          },
        )
      const swap = 'run --events --yes --kernel=6.12.117+deb13-cloud-amd64'

      const fine = play()
      expect(fine.status, fine.stdout + fine.stderr).toBe(0)
      for (const server of servers) expect(calls(server)).toContain(swap)

      install(servers[0]!, 'echo degraded; exit 1')
      install(servers[1]!, '')
      const bad = play()
      expect(bad.status).not.toBe(0)
      expect(calls(servers[0]!)).toContain(swap)
      expect(() => calls(servers[1]!)).toThrow('ENOENT')
    },
    // Ansible starts Python by the dozen.
    240_000,
  )
})
