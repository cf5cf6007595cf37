import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exitCodes } from '../../../src/cli/exit-codes.ts'
import { type Input, inputs } from './inputs.ts'
import { Chance } from './random.ts'

/** `npm run test:hostile` asks for all; a sample of them is tried with every change, another one each day. */
const count = Number(process.env.KERNELSWAP_HOSTILE ?? 70)
const seed = Number(process.env.KERNELSWAP_SEED ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''))
/** A program that hangs is ended after so many seconds; none of these has anything to wait for. */
const limit = 120

const checkout = new URL('../../..', import.meta.url).pathname
const place = mkdtempSync(join(tmpdir(), 'kernelswap-hostile-'))
const program = join(place, 'kernelswap.js')
const codes = exitCodes.map(({ code }) => code)
/** What no line of ours may hold. */
const dangerous = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

beforeAll(() => {
  const script = `import { bundle } from './scripts/bundle.js'; await bundle('src/main.ts', ${JSON.stringify(program)})`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: checkout })
}, 120_000)
afterAll(() => rmSync(place, { recursive: true }))

/**
 * Whatever somebody types, configures, damages or packs: kernelswap ends in time, with a code that it documents, a
 * sentence where it failed, nothing that rules a terminal, and nothing written where it has no business.
 */
test.runIf(process.getuid?.() === 0)(
  `${count} hostile inputs (KERNELSWAP_SEED=${seed}) end as they should`,
  { timeout: (count + 10) * limit * 1000 },
  async () => {
    const waiting = inputs(count, new Chance(seed)).entries()
    const found: string[] = []
    const work = async () => {
      for (const [index, input] of waiting) {
        const complaints = await complaintsOf(input, join(place, String(index)))
        for (const complaint of complaints)
          found.push(
            `${index} ${input.kind} ${JSON.stringify(input.words.map((word) => word.slice(0, 60)))}: ${complaint}`,
          )
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, work))
    expect(found.join('\n')).toBe('')
  },
)

interface Ended {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
  /** Files that it made where it has no business. */
  readonly elsewhere: string
}

async function complaintsOf(input: Input, directory: string): Promise<string[]> {
  const root = join(directory, 'root')
  for (const { path, content, mode } of input.files) {
    const file = join(root, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, content, { mode: 0o644 })
    if (mode !== undefined) await chmod(file, mode)
  }
  await mkdir(root, { recursive: true })
  const { code, stdout, stderr, elsewhere } = await runAlone(input.words, directory)
  await rm(directory, { recursive: true, force: true })
  return [
    ...(codes.includes(Number(code)) ? [] : [`ended with ${code}: ${stderr.slice(-300)}`]),
    ...(dangerous.test(stdout) ? ['control characters on standard output'] : []),
    ...(dangerous.test(stderr) ? ['control characters on standard error'] : []),
    ...(/^\s+at .*:\d+:\d+/m.test(stderr) ? ['a stack trace'] : []),
    ...(Number(code) > 1 && !isAnswer(stdout, stderr)
      ? [`no sentence: ${JSON.stringify(stderr.slice(-300))}`]
      : []),
    ...(elsewhere === '' ? [] : [`wrote ${elsewhere}`]),
  ]
}

/** A line for people says what, why, what to do; a plan that refuses, and a document for programs, say so themselves. */
function isAnswer(stdout: string, stderr: string): boolean {
  return (
    /^(kernelswap|error):\s+\S+ \S+/m.test(stderr) ||
    /^not ready/m.test(stdout) ||
    stdout.startsWith('{"schema":')
  )
}

/**
 * Runs it where it can do no harm: file systems, processes, network and System V IPC of its own, no right to reboot or to
 * load anything. The host's files are read-only; what is its own to write lies on a tmpfs, and what else it writes there
 * is listed.
 */
function runAlone(words: readonly string[], directory: string): Promise<Ended> {
  const script = `
    directory=$1 node=$2 program=$3; shift 3
    mkdir -p /etc/kernelswap
    mount -t tmpfs -o mode=755 own /mnt
    mkdir -p /mnt/var/lib /mnt/etc/kernelswap /mnt/run/systemd/system /mnt/tmp
    cp -a $directory/root/. /mnt/
    cp "$program" /mnt/kernelswap.js
    chown -R root:root /mnt
    find /mnt ! -type d > /mnt/before
    mount -o remount,bind,ro /
    for own in var/lib etc/kernelswap run tmp; do mount --bind /mnt/$own /$own; done
    code=0
    setpriv --bounding-set -sys_boot,-sys_module,-sys_time,-sys_rawio -- "$node" /mnt/kernelswap.js "$@" < /dev/null || code=$?
    elsewhere=$(find /mnt ! -type d | grep -v -x -F -f /mnt/before | grep -v -e '^/mnt/before$' -e '^/mnt/[a-z/]*/\\(kernelswap\\|apt\\)/') || true
    echo "elsewhere:" $elsewhere >&2
    exit $code`
  const namespaces = ['--mount', '--net', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc']
  const alone = [
    ...namespaces,
    'sh',
    '-eu',
    '-c',
    script,
    'sh',
    directory,
    process.execPath,
    program,
    ...words,
  ]
  return new Promise((resolve) => {
    const options = {
      timeout: limit * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
      encoding: 'utf8',
    } as const
    execFile('unshare', alone, options, (error, stdout, said) => {
      const code =
        error === null ? 0 : error.killed ? `no end after ${limit} s` : (error.code ?? `${error.signal}`)
      const [stderr = '', elsewhere = ''] = said.split(/^elsewhere:/m)
      resolve({ code, stdout, stderr, elsewhere: elsewhere.trim() })
    })
  })
}
