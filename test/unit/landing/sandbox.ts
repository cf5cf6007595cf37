import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { taskLibrary } from '../../../src/tools/task-library.ts'

const scripts = fileURLToPath(new URL('../../../src/landing/static/', import.meta.url))

interface RunOptions {
  readonly input?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface Ended {
  /** null where it had to be killed. */
  readonly code: number | null
  readonly stderr: string
}

/** Paths of the host that the scripts name. */
const replaced = [
  '/etc/kernelswap/landing',
  '/usr/lib/kernelswap',
  '/run/kernelswap',
  '/usr/sbin/criu',
  '/proc/self/autogroup',
  '/sys/devices/system/cpu/online',
]

/** The landing's scripts in directories of their own, with programs of the test before those of the host. */
export class Sandbox {
  readonly directory = mkdtempSync(join(tmpdir(), 'kernelswap-sandbox-'))
  readonly #own = (text: string) =>
    replaced.reduce((changed, path) => changed.replaceAll(path, join(this.directory, path)), text)

  constructor() {
    for (const name of readdirSync(scripts)) {
      if (!name.includes('.'))
        this.write(`/usr/lib/kernelswap/${name}`, this.#own(readFileSync(join(scripts, name), 'utf8')), 0o755)
    }
    this.write('/usr/lib/kernelswap/tasks.pl', taskLibrary)
    for (const file of ['/usr/sbin/criu', '/proc/self/autogroup']) this.write(file, '')
    for (const path of ['/etc/kernelswap/landing', '/run/kernelswap', '/bin'])
      mkdirSync(this.path(path), { recursive: true })
  }

  /** Where a path of the host is here. */
  path(path: string): string {
    return join(this.directory, path)
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8')
  }

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    writeFileSync(this.path(path), content, { mode })
  }

  list(path: string): string[] {
    return readdirSync(this.path(path)).sort()
  }

  /** Puts a program of the test before the host's: a line of shell for each of its lines. */
  program(name: string, ...body: string[]): void {
    this.write(`/bin/${name}`, `#!/bin/sh\n${this.#own(body.join('\n'))}\n`, 0o755)
  }

  /** Runs one of the scripts. */
  run(script: string, options: RunOptions = {}): Ended {
    const { code, stderr } = this.ask(script, options)
    return { code, stderr }
  }

  /** As run, with what it says. */
  ask(
    script: string,
    { input = '', args = [], env = {} }: RunOptions = {},
  ): Ended & { readonly stdout: string } {
    const { status, stdout, stderr } = spawnSync(this.path(`/usr/lib/kernelswap/${script}`), args, {
      input,
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, ...env, PATH: `${this.path('/bin')}:${process.env.PATH}` },
    })
    return { code: status, stdout, stderr }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true })
  }
}
