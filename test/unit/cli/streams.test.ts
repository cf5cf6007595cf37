import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

// A busy machine takes seconds to start the program.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const checkout = new URL('../../..', import.meta.url).pathname
const place = mkdtempSync(join(tmpdir(), 'kernelswap-streams-'))
const program = join(place, 'kernelswap.js')
const isRoot = process.getuid?.() === 0

/** Names as somebody would choose them who wants to rule the terminal of whoever looks. */
const hostile = {
  comm: '\x1b[2J\x1b[31m\n',
  directory: `\x1b]52;c;cm0=\x07\r\nall is well\u202e\u009b2J`,
}
/** What no line for people may hold; a tab would be in none of ours either. */
const dangerous = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** A process with such a name, in time such a directory, and more open files than a pipe takes at once when they are described. */
let victim: ReturnType<typeof spawn>

beforeAll(async () => {
  const script = `import { bundle } from './scripts/bundle.js'; await bundle('src/main.ts', ${JSON.stringify(program)})`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
  mkdirSync(join(place, 'files'))
  const perl = `$| = 1; $0 = shift; my @open;
for (1 .. 900) { open my $file, '>', "files/$_" or die; push @open, $file }
print "up\\n"; <STDIN>; my $next = shift; mkdir $next or die; chdir $next or die; print "more\\n"; <STDIN>`
  victim = spawn('perl', ['-e', perl, hostile.comm, hostile.directory], { cwd: place, stdio: 'pipe' })
  await said('up')
})
afterAll(() => {
  victim.kill('SIGKILL')
  rmSync(place, { recursive: true })
})

function said(word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    victim.once('exit', () => reject(new Error('it has ended')))
    victim.stdout!.once('data', (text: Buffer) => {
      if (String(text).includes(word)) resolve()
    })
  })
}

const kernelswap = (...words: string[]) =>
  spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', cwd: '/', maxBuffer: 2 ** 28 })
/** A line of shell in which `kernelswap` is ours. */
const shell = (line: string) =>
  spawnSync('bash', ['-c', `kernelswap() { ${process.execPath} ${program} "$@"; }\n${line}`], {
    encoding: 'utf8',
    cwd: place,
    maxBuffer: 2 ** 28,
  })

describe('output is whole', () => {
  /** FIONREAD (ioctl_tty(2)) tells how much waits: who reads at once may take all before the writer is gone. */
  const lateReader = `perl -e 'do { select undef, undef, undef, 0.05; $n = pack "i", 0; ioctl STDIN, 0x541b, $n }
    until unpack("i", $n) >= 65536; select undef, undef, undef, 0.5; print while <STDIN>'`

  test('through a pipe that is full, to a reader that comes late', () => {
    const { status, stdout } = shell(`kernelswap snapshot ${victim.pid} --json | ${lateReader}`)
    expect(status).toBe(0)
    expect(stdout.length).toBeGreaterThan(100_000)
    expect(JSON.parse(stdout)).toMatchObject({ tasks: [{ pid: victim.pid }] })
  })

  test('a reader that has had enough ends it without a word', () => {
    const { status, stdout, stderr } = shell(
      `set -o pipefail; kernelswap snapshot ${victim.pid} --json | head -c 10`,
    )
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '{"schema":', stderr: '' })
  })

  test('where nobody ever read it is 1, and says so', async () => {
    const child = spawn(process.execPath, [program, 'snapshot', String(victim.pid)], { stdio: 'pipe' })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (text) => {
      stderr += text
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^kernelswap: Standard output could not be written: .*EPIPE.*\n$/),
    })
  })

  test('a full disk is 1, and says so', () => {
    const { status, stderr } = shell('kernelswap --version >/dev/full')
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^kernelswap: Standard output could not be written: ENOSPC.*\n$/),
    })
  })

  const mounting = 'mount -t tmpfs -o size=16k none /run'
  test.runIf(isRoot && spawnSync('unshare', ['--mount', 'sh', '-c', mounting]).status === 0)(
    'so is a disk that takes a part of it',
    () => {
      const { status, stderr } = shell(
        `unshare --mount sh -c '${mounting} && "$@" >/run/x' - ${process.execPath} ${program} snapshot ${victim.pid}`,
      )
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('ENOSPC') })
    },
  )

  test('nobody to complain to does not change how a verb ends', () => {
    expect(shell('kernelswap plan --no-such-option 2>/dev/full').status).toBe(2)
  })
})

describe.runIf(isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0)(
  'the checkpoint that an evacuation sends',
  () => {
    const bytes = randomBytes(5_000_000)
    let server: Server
    beforeAll(async () => {
      mkdirSync(join(place, 'run/kernelswap'), { recursive: true })
      server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {})
        socket.resume().once('end', () => socket.end(bytes))
      })
      server.listen(join(place, 'run/kernelswap/evacuation.sock'))
      await once(server, 'listening')
    })
    afterAll(() => server.close())

    async function evacuate(line: string) {
      const prepare = `mount --bind ${place}/run /run && "$@" evacuation`
      const child = spawn(
        'bash',
        [
          '-c',
          `set -o pipefail; unshare --mount sh -c '${prepare}' - "$0" "$@" ${line}`,
          process.execPath,
          program,
        ],
        { cwd: place },
      )
      let stderr = ''
      child.stderr.on('data', (text) => {
        stderr += text
      })
      const [code] = await once(child, 'close')
      return { code, stderr }
    }

    /** Waits until what waits in a pipe becomes no more (FIONREAD, ioctl_tty(2)). */
    const untilFull =
      'my $had = 0; while () { my $has = pack("i", 0); ioctl(STDIN, 0x541b, $has); $has = unpack("i", $has); last if $has && $has == $had; $had = $has; select(undef, undef, undef, 0.1) }'

    test('arrives whole in a pipe, and in a file', async () => {
      for (const line of [`| { perl -e '${untilFull}'; cat >arrived; }`, '>arrived']) {
        expect(await evacuate(line)).toEqual({ code: 0, stderr: '' })
        expect(readFileSync(join(place, 'arrived')).equals(bytes)).toBe(true)
      }
    })

    test('does not arrive on a full disk, and that is said', async () => {
      expect(await evacuate('>/dev/full')).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^[^\n]*ENOSPC[^\n]*\n$/),
      })
    })
  },
)

test('what others have named is shown and not obeyed; JSON has it as it is', async () => {
  const files = ['before', 'after'].map((name) => join(place, name)) as [string, string]
  const snapshot = (file: string) => {
    const output = openSync(file, 'w')
    const { status } = spawnSync(process.execPath, [program, 'snapshot', String(victim.pid)], {
      stdio: ['ignore', output, 'inherit'],
    })
    closeSync(output)
    expect(status).toBe(0)
  }
  snapshot(files[0])
  victim.stdin!.write('\n')
  await said('more')
  snapshot(files[1])
  expect(JSON.parse(readFileSync(files[1], 'utf8'))).toMatchObject({ tasks: [{ comm: hostile.comm }] })
  expect(readFileSync(files[1], 'utf8')).not.toMatch(dangerous)

  const { status, stdout } = kernelswap('diff', ...files)
  expect(status).toBe(1)
  expect(stdout).not.toMatch(dangerous)
  expect(stdout).toContain(String.raw`(\x1b[2J\x1b[31m\n)`)
  expect(stdout).toContain(String.raw`\x1b]52;c;cm0=\x07\r\nall is well\u202e\x9b2J`)
  expect(stdout).not.toMatch(/^all is well/m)
  const { differences } = JSON.parse(kernelswap('diff', '--json', ...files).stdout)
  expect(JSON.stringify(differences)).toContain(JSON.stringify(hostile.directory).slice(1, -1))
})

test.each([
  ['a verb', ['\x1b[2Jplan\nready']],
  ['a verb to be explained', ['help', '\x1b[2J']],
  ['a file', ['diff', '\x1b[2J\nequal', '/dev/null']],
  ['a word for hooks', ['hooks', 'run', 'x', '\u009b2J\n']],
  ['an option', ['plan', '--\x1b[2J']],
])('what was typed is shown and not obeyed in the complaint about it: %s', (_, words) => {
  const { status, stdout, stderr } = kernelswap(...words)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).not.toMatch(dangerous)
  expect(stderr).toMatch(/^(error|kernelswap): /)
  expect(stderr).not.toMatch(/^(ready|equal)/m)
})

test('help for what does not exist is wrong usage, in a sentence', () => {
  expect(kernelswap('help', 'frob')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: "error: unknown command 'frob'\n(--help tells how it is used)\n",
  })
  expect(kernelswap('hooks', 'help', 'frob')).toMatchObject({ status: 2, stdout: '' })
  expect(kernelswap('help', 'plan').stdout).toBe(kernelswap('plan', '--help').stdout)
})

test('a mistake of ours that nobody catches is told in a line as well', () => {
  const file = join(place, 'mistake.mjs')
  writeFileSync(
    file,
    `process.on('newListener', (name) => {
  if (name === 'uncaughtException') setImmediate(() => { throw new Error('\\x1b[2J\\nfine') })
})\n`,
  )
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', file, program, 'snapshot', String(victim.pid)],
    { encoding: 'utf8' },
  )
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'kernelswap: \\x1b[2J\\nfine\n' })
})
