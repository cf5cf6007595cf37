import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A user of the servers below, who isn't root, with a password. */
export const operator = { name: 'kernelswap-operator', password: 'correct horse' }

const sshd = '/usr/sbin/sshd'

/** True where a real OpenSSH server can be started that knows users of our own: as root, with sshd installed. */
export function canServe(): boolean {
  return (
    process.getuid?.() === 0 && existsSync(sshd) && spawnSync('unshare', ['--mount', 'true']).status === 0
  )
}

/** True where sudo can be tried as well. */
export function hasSudo(): boolean {
  return existsSync('/usr/bin/sudo')
}

/** A line of shell that, run in a session there, ends the connection as if the host had gone. */
export const hangUp =
  "p=$$; until read -r name < /proc/$p/comm; case $name in sshd*) true ;; *) false ;; esac; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done; kill -KILL $p; sleep 9"

/** An OpenSSH server on loopback, with its own host keys and users. */
export interface Server {
  readonly port: number
  /** Everything of it; `bin` in it comes first on the path of whoever logs in. */
  readonly folder: string
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string
  readonly log: () => string
  readonly stop: () => Promise<void>
}

/** Starts one that accepts a key for root and the operator, and the operator's password. */
export async function startServer(publicKey: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'kernelswap-sshd-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'bin'))
  mkdirSync('/run/sshd', { recursive: true })
  const port = await freePort()
  const write = (name: string, content: string, mode = 0o644) =>
    writeFileSync(join(folder, name), content, { mode })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')])
  write('authorized_keys', publicKey)
  const path = `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`
  write(
    'sshd_config',
    [
      ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${folder}/host_key`, 'PidFile none'],
      ...[
        `AuthorizedKeysFile ${folder}/authorized_keys`,
        'StrictModes no',
        'UsePAM no',
        'PermitRootLogin yes',
      ],
      ...['PasswordAuthentication yes', 'LogLevel VERBOSE', `SetEnv PATH=${path}`],
      '',
    ].join('\n'),
  )
  const hash = execFileSync('openssl', ['passwd', '-6', operator.password], { encoding: 'utf8' }).trim()
  const id = 54321
  // What this host's root has in his shell's own files is no part of the tests.
  const users = readFileSync('/etc/passwd', 'utf8').replace(/^(root:.*:)[^:]*$/m, '$1/bin/sh')
  write('passwd', `${users}${operator.name}:x:${id}:${id}::${folder}:/bin/sh\n`)
  write(
    'shadow',
    `${readFileSync('/etc/shadow', 'utf8')}${operator.name}:${hash}:19000:0:99999:7:::\n`,
    0o600,
  )
  write('sudoers', '', 0o440)
  allowSudo(folder, '')

  const binds = ['passwd', 'shadow', ...(hasSudo() ? ['sudoers'] : [])]
  const script = [
    ...binds.map((name) => `mount --bind ${folder}/${name} /etc/${name}`),
    `exec ${sshd} -D -e -f ${folder}/sshd_config 2>${folder}/log`,
  ].join('\n')
  const words = ['--mount', '--propagation', 'private', 'sh', '-euc', script]
  const child = spawn('unshare', words, { stdio: 'ignore' })
  const log = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')
  await listening(child, log)
  return {
    port,
    folder,
    hostKey: readFileSync(join(folder, 'host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' '),
    log,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

/** Says what the operator may do by sudo: `ALL=(ALL) ALL`, or nothing. */
export function allowSudo(folder: string, rule: string): void {
  const path = `Defaults secure_path="${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin"`
  // Written in place: the server has this very file as /etc/sudoers.
  chmodSync(join(folder, 'sudoers'), 0o640)
  writeFileSync(join(folder, 'sudoers'), [path, rule && `${operator.name} ${rule}`, ''].join('\n'))
  chmodSync(join(folder, 'sudoers'), 0o440)
}

async function listening(child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (/Server listening on/.test(log())) return
    if (child.exitCode !== null) break
    await sleep(50)
  }
  throw new Error(`sshd did not start: ${log()}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
