import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const hooks = new URL('../../../hooks/', import.meta.url).pathname
let directory: string
let services: ChildProcess[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'service-'))
  chmodSync(directory, 0o755)
  services = []
})

afterEach(() => {
  for (const service of services) service.kill('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
})

function start(program: string, ...args: string[]): number {
  const service = spawn(program, args, { stdio: 'ignore', cwd: directory })
  services.push(service)
  return service.pid!
}

/** Calls a hook as the runner does, and keeps its baseline. */
function call(
  hook: string,
  verb: string,
  env: Record<string, string> = {},
): { code: number | null; out: string } {
  const baseline = join(directory, 'baseline.json')
  const ended = spawnSync(join(hooks, hook), [verb], {
    input: '{}',
    encoding: 'utf8',
    env: { PATH: process.env.PATH!, KERNELSWAP_BASELINE: baseline, ...env },
  })
  if (verb === 'capture') writeFileSync(baseline, ended.stdout)
  return { code: ended.status, out: ended.stdout }
}

async function until(isReady: () => boolean | Promise<boolean>): Promise<void> {
  for (const late = Date.now() + 30_000; Date.now() < late; ) {
    if (await isReady()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the service didn’t start')
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** Says something to a TCP port and hears the answer until the other side closes. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(text))
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', () => resolve(''))
    socket.on('close', () => resolve(answer))
  })
}

describe.skipIf(!has('redis-server'))('redis', () => {
  const hook = 'redis-server.service/50-redis'
  const env = () => ({ REDIS_SOCKET: join(directory, 'socket') })
  const redis = () => start('redis-server', '--port', '0', '--unixsocket', env().REDIS_SOCKET, '--save', '')
  const command = (...args: string[]) => execFileSync('redis-cli', ['-s', env().REDIS_SOCKET, ...args])

  test('finds the same instance intact, and another or an emptied one not', async () => {
    redis()
    await until(() => existsSync(env().REDIS_SOCKET))
    command('eval', 'for i = 1, 100 do redis.call("set", i, i) end', '0')
    expect(call(hook, 'check', env()).code).toBe(0)
    expect(call(hook, 'capture', env()).code).toBe(0)
    expect(call(hook, 'verify', env())).toEqual({ code: 0, out: '' })
    expect(call(hook, 'aborted', env()).code).toBe(64)
    command('flushall')
    expect(call(hook, 'verify', env())).toMatchObject({
      code: 1,
      out: expect.stringContaining('100 keys are now 0'),
    })
    services.pop()!.kill('SIGKILL')
    rmSync(env().REDIS_SOCKET)
    expect(call(hook, 'check', env()).code).toBe(10)
    redis()
    await until(() => existsSync(env().REDIS_SOCKET))
    expect(call(hook, 'verify', env())).toMatchObject({ code: 1, out: expect.stringContaining('run id') })
  })
})

describe.skipIf(!has('memcached'))('memcached', () => {
  const hook = 'memcached.service/50-memcached'
  const env = { MEMCACHED_PORT: '21211' }
  const memcached = () => start('memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', env.MEMCACHED_PORT)
  const answers = async () => (await talk(21211, 'version\r\nquit\r\n')).startsWith('VERSION')

  test('finds the same instance intact, and another not', async () => {
    memcached()
    await until(answers)
    await talk(21211, 'set a 0 0 1\r\nb\r\nset b 0 0 1\r\nb\r\nquit\r\n')
    expect(call(hook, 'check', env).code).toBe(0)
    expect(call(hook, 'capture', env)).toMatchObject({ code: 0, out: expect.stringContaining('"items":2') })
    await talk(21211, 'delete a\r\nquit\r\n')
    expect(call(hook, 'verify', env).code).toBe(0)
    services.pop()!.kill('SIGKILL')
    await until(async () => !(await answers()))
    expect(call(hook, 'check', env).code).toBe(10)
    memcached()
    await until(answers)
    expect(call(hook, 'verify', env)).toMatchObject({ code: 1, out: expect.stringContaining('items') })
  })
})

describe.skipIf(!has('nginx'))('nginx', () => {
  test('finds the same workers intact, and others not', async () => {
    const configuration = join(directory, 'nginx.conf')
    writeFileSync(
      configuration,
      `daemon off; pid ${directory}/pid; error_log stderr; worker_processes 2; events {}
       http { access_log off; server { listen 127.0.0.1:28080; return 204; } }`,
    )
    const pid = start('nginx', '-c', configuration)
    const workers = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    await until(() => workers().length === 2)
    const env = { KERNELSWAP_MAIN_PID: String(pid), KERNELSWAP_PIDS: [pid, ...workers()].join(' ') }
    expect(call('nginx.service/50-nginx', 'capture', env).code).toBe(0)
    expect(call('nginx.service/50-nginx', 'verify', env).code).toBe(0)
    const [worker] = workers()
    process.kill(Number(worker), 'SIGKILL')
    await until(() => workers().length === 2 && !workers().includes(worker!))
    expect(call('nginx.service/50-nginx', 'verify', env)).toMatchObject({
      code: 1,
      out: expect.stringContaining('workers'),
    })
  })
})
