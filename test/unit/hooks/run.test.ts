import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isAbiHookOn } from '../../../src/hooks/built-in.ts'
import { callHooks } from '../../../src/hooks/call.ts'
import { foldersOf, listHooks } from '../../../src/hooks/find.ts'
import { HostFacts } from '../../../src/hooks/host-facts.ts'
import { runHook } from '../../../src/hooks/run.ts'
import type { HookResult, HookSituation, Verb } from '../../../src/hooks/types.ts'
import { standIns, systemctlShowing } from '../programs.ts'

const UNIT = 'some@one.service'
const isRoot = process.getuid!() === 0
let top: string
let shipped: string
let admins: string
let situation: HookSituation

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'hooks-'))
  chmodSync(top, 0o755)
  shipped = join(top, 'lib/hooks.d')
  admins = join(top, 'etc/hooks.d')
  for (const root of [shipped, admins]) mkdirSync(join(root, 'all'), { recursive: true, mode: 0o755 })
  situation = {
    swap: 'swap-1',
    phase: 'check',
    unit: UNIT,
    mainPid: 7,
    pids: [7, 8],
    kernels: { from: '6.12.1', to: '6.12.2' },
    directories: { swap: top, output: join(top, 'output') },
    strict: false,
  }
})

afterEach(() => {
  rmSync(top, { recursive: true, force: true })
})

function write(path: string, body: string, mode = 0o755): void {
  const file = join(top, path)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 })
  writeFileSync(file, `#!/bin/sh\n${body}\n`)
  chmodSync(file, mode)
}

async function find(unit = UNIT) {
  const hooks = await listHooks(foldersOf(unit), { roots: [shipped, admins] })
  return hooks.filter(({ isMasked }) => !isMasked)
}

async function call(body: string, verb: Verb, timeoutSeconds = 5): Promise<HookResult> {
  write('lib/hooks.d/all/10-one', body)
  const [hook] = await find()
  return await runHook(hook!, verb, situation, { timeoutSeconds, baseline: { count: 3 } })
}

describe('a hook that can not be started says why', () => {
  async function start(text: string): Promise<string | undefined> {
    const file = join(shipped, 'all/10-one')
    writeFileSync(file, text, { mode: 0o755 })
    const { outcome, reason } = await runHook((await find())[0]!, 'check', situation)
    expect(outcome).toBe('broken')
    return reason
  }

  test.each([
    ['lines that end in CR LF', '#!/bin/sh\r\nexit 0\r\n', /^could not be started: its lines end in CR LF/],
    ['no interpreter', '#! /opt/no/python3 -u\n', /its interpreter \/opt\/no\/python3 is not here/],
  ])('%s', async (_, text, reason) => {
    expect(await start(text)).toMatch(reason)
  })
})

test.each(['capture', 'verify'] as const)(
  'what no hook means: JSON at %s that is nested 100,000 deep is broken output, and nothing falls over it',
  async (verb) => {
    const deep = `perl -e 'print "{\\"message\\":", "[" x 1e5, "]" x 1e5, "}"'`
    const result = await call(deep, verb)
    expect(result).toMatchObject({
      outcome: 'broken',
      reason: expect.stringMatching(/^printed (no JSON|a line)/),
    })
    expect(() => JSON.stringify(result)).not.toThrow()
  },
)

test('hooks of all, of the template and of the unit are called by their names', async () => {
  write(`lib/hooks.d/${UNIT}/20-unit`, '')
  write('lib/hooks.d/some@.service/10-template', '')
  write('lib/hooks.d/all/30-all', '')
  write('lib/hooks.d/all/README', '')
  write('lib/hooks.d/all/30-all.dpkg-old', '')
  write('lib/hooks.d/other.service/10-other', '')
  expect((await find()).map(({ id }) => id)).toEqual([
    'some@.service/10-template',
    `${UNIT}/20-unit`,
    'all/30-all',
  ])
})

test('the admin’s hook wins, and a link to /dev/null masks', async () => {
  write('lib/hooks.d/all/10-one', '')
  write('lib/hooks.d/all/20-two', '')
  write('etc/hooks.d/all/10-one', '')
  symlinkSync('/dev/null', join(admins, 'all/20-two'))
  expect(await find()).toMatchObject([{ id: 'all/10-one', path: join(admins, 'all/10-one') }])
})

test('every folder is listed, with what is masked', async () => {
  write('lib/hooks.d/other.service/10-other', '')
  write('lib/hooks.d/all/20-two', '')
  symlinkSync('/dev/null', join(admins, 'all/20-two'))
  expect(await listHooks(undefined, { roots: [shipped, admins] })).toEqual([
    { id: 'other.service/10-other', path: join(shipped, 'other.service/10-other'), isMasked: false },
    { id: 'all/20-two', path: join(admins, 'all/20-two'), isMasked: true },
  ])
})

test('ABI verification can be masked like any hook', async () => {
  const options = { roots: [shipped, admins] }
  expect(await isAbiHookOn(options)).toBe(true)
  symlinkSync('/dev/null', join(admins, 'all/00-abi'))
  expect(await isAbiHookOn(options)).toBe(false)
})

test.each([
  ['world-writable', 0o757, /can be written by others/],
  ['group-writable', 0o775, /can be written by others/],
  ['missing its run bit', 0o644, /not executable/],
])('a hook that is %s is refused and never run', async (_, mode, reason) => {
  write('lib/hooks.d/all/10-one', `touch ${join(top, 'ran')}`, mode)
  const [hook] = await find()
  expect(hook!.refused).toMatch(reason)
  expect(await runHook(hook!, 'check', situation)).toMatchObject({
    outcome: 'broken',
    reason: expect.stringMatching(reason),
  })
  expect(() => readFileSync(join(top, 'ran'))).toThrow()
})

test.each(['lib/hooks.d/all', 'lib/hooks.d'])(
  'a hook in a directory that others may write (%s) is refused',
  async (folder) => {
    write('lib/hooks.d/all/10-one', '')
    chmodSync(join(top, folder), 0o777)
    expect((await find())[0]!.refused).toMatch(/can be written by others/)
  },
)

test.runIf(isRoot)('a hook of another owner is refused, and hides the shipped one', async () => {
  write('lib/hooks.d/all/10-one', '')
  write('etc/hooks.d/all/10-one', '')
  chownSync(join(admins, 'all/10-one'), 1000, 0)
  const hooks = await find()
  expect(hooks).toHaveLength(1)
  expect(hooks[0]!.refused).toMatch(/belongs to user/)
})

test.each([
  ['a file', (path: string) => writeFileSync(path, '')],
  ['a link to itself', (path: string) => symlinkSync(path, path)],
  ['a link to nowhere', (path: string) => symlinkSync(join(top, 'nowhere'), path)],
])('where hooks.d or a folder in it is %s nobody can tell which hooks there are', async (_, make) => {
  rmSync(join(admins, 'all'), { recursive: true })
  make(join(admins, 'all'))
  await expect(find()).rejects.toMatchObject({
    kind: 'configuration',
    message: expect.stringContaining('etc/hooks.d/all'),
  })
  rmSync(admins, { recursive: true })
  make(admins)
  await expect(find()).rejects.toMatchObject({
    kind: 'configuration',
    message: expect.stringContaining('etc/hooks.d can'),
  })
})

test('where there is no hooks.d there are no hooks; a README among the folders is none', async () => {
  rmSync(admins, { recursive: true })
  writeFileSync(join(shipped, 'README'), '')
  write('lib/hooks.d/all/10-one', '')
  expect(await listHooks(undefined, { roots: [shipped, admins] })).toMatchObject([{ id: 'all/10-one' }])
})

test('a link is checked where it leads', async () => {
  write('elsewhere/script', '')
  chmodSync(join(top, 'elsewhere'), 0o777)
  symlinkSync(join(top, 'elsewhere/script'), join(shipped, 'all/10-one'))
  expect((await find())[0]!.refused).toMatch(/elsewhere can be written by others/)
})

test.each<[string, Verb, string, Partial<HookResult>]>([
  ['ready', 'check', 'exit 0', { outcome: 'ok' }],
  [
    'a veto',
    'check',
    'echo first >&2; echo "no backup today" >&2; exit 10',
    { outcome: 'veto', reason: 'no backup today' },
  ],
  ['nothing to say', 'check', 'exit 64', { outcome: 'silent' }],
  ['exit 3', 'check', 'echo oops >&2; exit 3', { outcome: 'broken', reason: 'exit code 3: oops' }],
  ['a baseline', 'capture', `echo '{"count": 3}'`, { outcome: 'ok', baseline: { count: 3 } }],
  ['no baseline', 'capture', '', { outcome: 'ok', baseline: null }],
  ['a baseline that is garbage', 'capture', 'echo hello', { outcome: 'broken' }],
  ['a capture that fails', 'capture', 'exit 1', { outcome: 'broken' }],
  ['intact', 'verify', '', { outcome: 'ok' }],
  [
    'a difference',
    'verify',
    `echo '{"message": "3 are now 2"}'; exit 1`,
    { outcome: 'differs', reason: '3 are now 2' },
  ],
  [
    'a difference without findings',
    'verify',
    'echo gone >&2; exit 1',
    { outcome: 'differs', reason: 'gone' },
  ],
  ['findings that are garbage', 'verify', 'head -c 1000 /dev/urandom; exit 0', { outcome: 'broken' }],
  ['a verify that ends with 3', 'verify', 'exit 3', { outcome: 'broken', reason: 'exit code 3' }],
  ['a crash', 'verify', 'kill -SEGV $$', { outcome: 'broken', reason: 'ended by SIGSEGV' }],
  ['whatever it says afterwards', 'settled', 'exit 9', { outcome: 'ok' }],
])('%s', async (_, verb, body, expected) => {
  expect(await call(body, verb)).toMatchObject(expected)
})

/** What docs/hooks.md says of a hook that misbehaves, whatever word it is called with; the time limit is 1 s. */
describe.each([
  {
    bad: 'hangs',
    body: 'sleep 1000',
    check: 'broken',
    capture: 'broken',
    verify: 'broken',
    settled: 'broken',
  },
  {
    bad: 'crashes',
    body: 'kill -SEGV $$',
    check: 'broken',
    capture: 'broken',
    verify: 'broken',
    settled: 'broken',
  },
  { bad: 'exits 3', body: 'exit 3', check: 'broken', capture: 'broken', verify: 'broken', settled: 'ok' },
  // Nobody reads what these words print.
  {
    bad: 'prints garbage',
    body: 'echo "}{"',
    check: 'ok',
    capture: 'broken',
    verify: 'broken',
    settled: 'ok',
  },
  {
    bad: 'prints 100 MB',
    body: 'head -c 100000000 /dev/zero',
    ...{ check: 'ok', capture: 'broken', verify: 'broken', settled: 'ok' },
  },
] as const)('a hook that $bad', ({ body, bad, ...expected }) => {
  test.each(['check', 'capture', 'verify', 'settled'] as const)(
    'is judged, and never late, at %s',
    async (verb) => {
      const started = Date.now()
      const limit = bad === 'hangs' ? 1 : 30
      const { outcome } = await call(body, verb, limit)
      expect(outcome).toBe(expected[verb])
      expect(Date.now() - started).toBeLessThan((limit + 15) * 1000)
      const kept = readFileSync(join(top, `output/${UNIT}/all--10-one.${verb}.stdout`))
      expect(kept.length).toBeLessThanOrEqual(1024 * 1024)
    },
  )
})

describe.each([
  ['world-writable', 0o757],
  ['without its run bit', 0o644],
])('a hook that is %s', (_, mode) => {
  test.each(['check', 'capture', 'verify', 'aborted', 'settled'] as const)(
    'is not run at %s',
    async (verb) => {
      write('lib/hooks.d/all/10-one', `touch ${join(top, 'ran')}`, mode)
      const [hook] = await find()
      expect((await runHook(hook!, verb, situation)).outcome).toBe('broken')
      expect(existsSync(join(top, 'ran'))).toBe(false)
    },
  )
})

test('a hook that hangs is killed with all that it started', async () => {
  const result = await call(`sleep 1000 & echo $! > ${join(top, 'child')}; wait`, 'check', 1)
  expect(result).toMatchObject({ outcome: 'broken', reason: 'still running after 1 s, killed' })
  expect(isAlive(Number(readFileSync(join(top, 'child'), 'utf8')))).toBe(false)
})

test('a hook that ignores signals and closes its output is killed as well', async () => {
  const result = await call(`trap '' TERM INT; exec >&- 2>&-; while :; do sleep 1; done`, 'check', 1)
  expect(result.reason).toBe('still running after 1 s, killed')
})

test('what a hook leaves behind doesn’t hold the swap up', async () => {
  const left = join(top, 'left')
  const body = `setsid sh -c 'echo $$ > ${left}; exec sleep 1000' & until [ -s ${left} ]; do sleep 0.01; done`
  expect(await call(body, 'check')).toMatchObject({ outcome: 'ok' })
  const pid = Number(readFileSync(left, 'utf8'))
  expect(isAlive(pid)).toBe(true)
  process.kill(pid, 'SIGKILL')
})

test('a hook that prints 100 MB is heard to the end, and kept short', async () => {
  const result = await call('head -c 100000000 /dev/zero; echo done >&2', 'capture', 30)
  expect(result).toMatchObject({ outcome: 'broken', reason: 'printed more than a baseline may have' })
  expect(readFileSync(join(top, `output/${UNIT}/all--10-one.capture.stdout`)).length).toBe(1024 * 1024)
  expect(readFileSync(join(top, `output/${UNIT}/all--10-one.capture.stderr`), 'utf8')).toBe('done\n')
})

test('a program that can’t be started is broken', async () => {
  write('lib/hooks.d/all/10-one', '')
  writeFileSync(join(shipped, 'all/10-one'), '#!/no/such/shell\n')
  const [hook] = await find()
  expect(await runHook(hook!, 'check', situation)).toMatchObject({
    outcome: 'broken',
    reason: expect.stringContaining('could not be started'),
  })
})

test('the context comes as JSON on standard input and in the environment', async () => {
  process.env.KERNELSWAP_TEST_LEAK = 'secret'
  await call(`cat > ${top}/stdin; env > ${top}/env; cat "$KERNELSWAP_BASELINE" > ${top}/baseline`, 'verify')
  delete process.env.KERNELSWAP_TEST_LEAK
  expect(JSON.parse(readFileSync(join(top, 'stdin'), 'utf8'))).toEqual({
    schema: 'kernelswap.hook-context/1',
    verb: 'verify',
    timeoutSeconds: 5,
    baseline: { count: 3 },
    ...situation,
  })
  const env = readFileSync(join(top, 'env'), 'utf8')
  expect(env).toContain(`KERNELSWAP_UNIT=${UNIT}\n`)
  expect(env).toContain('KERNELSWAP_PIDS=7 8\n')
  expect(env).not.toContain('LEAK')
  expect(readFileSync(join(top, 'baseline'), 'utf8')).toBe('{"count":3}\n')
})

describe('all hooks of a unit', () => {
  const asked = () => ({ find: { roots: [shipped, admins] }, abi: false })
  const programs = standIns({
    systemctl: systemctlShowing('ActiveState=active', 'MainPID=7', 'ControlGroup=/a', 'NRestarts=0'),
  })
  afterAll(() => programs.remove())

  test('are called by their names, built in or not, and each gets its own baseline', async () => {
    write('lib/hooks.d/all/05-one', 'cat "$KERNELSWAP_BASELINE" >&2; exit 1')
    write(`etc/hooks.d/${UNIT}/15-two`, 'cat "$KERNELSWAP_BASELINE" >&2; exit 1')
    const results = await callHooks('verify', situation, {
      ...asked(),
      baselines: {
        'all/05-one': 1,
        'all/10-unit': { main: '7', group: '/a', restarts: '0' },
        [`${UNIT}/15-two`]: 2,
        'all/20-ports': { ports: [] },
      },
    })
    expect(results.map(({ hook, outcome, reason }) => [hook, outcome, reason])).toEqual([
      ['all/05-one', 'differs', '1'],
      ['all/10-unit', 'ok', undefined],
      [`${UNIT}/15-two`, 'differs', '2'],
      ['all/20-ports', 'ok', undefined],
      ['all/30-http', 'silent', undefined],
    ])
  })

  test('are those of the administrator where he replaces or masks what is built in', async () => {
    write('etc/hooks.d/all/10-unit', 'echo mine >&2; exit 10')
    symlinkSync('/dev/null', join(admins, 'all/20-ports'))
    const results = await callHooks('check', situation, asked())
    expect(results.map(({ hook, reason }) => [hook, reason])).toEqual([
      ['all/10-unit', 'mine'],
      ['all/30-http', undefined],
    ])
  })

  test('end with the one that is called, and all that it has started, when they are aborted', async () => {
    const controller = new AbortController()
    write('lib/hooks.d/all/05-one', `sleep 1000 & echo $! > ${top}/pid; : > ${top}/up; wait`)
    write('lib/hooks.d/all/06-two', `: > ${top}/second`)
    const ended = callHooks('check', situation, { ...asked(), signal: controller.signal })
    await vi.waitFor(() => expect(existsSync(join(top, 'up'))).toBe(true), 30_000)
    controller.abort(new Error('enough'))
    await expect(ended).rejects.toThrow('enough')
    const pid = Number(readFileSync(join(top, 'pid'), 'utf8'))
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 30_000)
    expect(existsSync(join(top, 'second'))).toBe(false)
  })

  /** A few programs for each unit, and what they read of all others, took minutes on a host with many. */
  test('start one program for all units together, where those have none of their own', async () => {
    programs.forget()
    const units = Array.from({ length: 50 }, (_, index) => `app@${index}.service`)
    const facts = new HostFacts(units)
    for (const verb of ['check', 'capture'] as const) {
      const answers = units.map((unit) =>
        callHooks(verb, { ...situation, unit, pids: [process.pid] }, { ...asked(), facts }),
      )
      for (const results of await Promise.all(answers))
        expect(results.map(({ outcome }) => outcome)).toContain('ok')
    }
    expect(programs.started()).toHaveLength(1)
  })
})

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
