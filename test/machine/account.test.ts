import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareBy } from '../../src/rehearsal/installation.ts'
import { fetchPackages } from '../../src/rehearsal/like/packages.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { awaitReport, machineUnits } from '../../src/rehearsal/rehearse.ts'
import { type Plan, planSchema } from '../../src/swap/plan.ts'
import { inShell, startSwap, withMachine } from './support.ts'

/** `npm run test:sessions` asks for it. */
const isAsked = process.env.KERNELSWAP_SESSIONS === '1'

/** Protects what somebody works at from ending unannounced, and its files from an end that is no orderly one. */
test.runIf(isAsked)('every process is accounted for, and what would be lost ends by a word, in order', () =>
  withMachine('account', async (machine) => {
    await install(machine)
    const logins = [login(machine, 'vim.tiny', '/root/text'), login(machine)]
    logins[0]!.stdin!.write('inot yet saved')
    try {
      await beginOthers(machine)
      const plan = await planOf(machine)
      expect(plan.ready).toBe(false)
      const refusals = plan.host.map(({ code, reason }) => `${code} ${reason.split(' ')[0]}`)
      const names = Object.fromEntries(plan.groups!.map((group) => [group.name, group]))
      const [editing] = plan.groups!.filter(({ loses }) => loses?.includes('vim'))
      expect(editing).toMatchObject({ class: 'session' })
      expect(refusals.toSorted()).toEqual(
        [
          `open-session ${editing!.name}`,
          'open-session user@1000.service/late.service',
          'running-container guest.scope',
          'unknown-processes build.scope',
          'unknown-processes job.service',
        ].toSorted(),
      )
      // A shell that waits, and the session that planned this.
      const idle = plan.groups!.filter(({ class: kind, loses }) => kind === 'session' && loses === null)
      expect(idle.length).toBeGreaterThan(0)
      expect(names['user@1000.service/init.scope']).toMatchObject({ class: 'platform' })
      expect(await missingFrom(machine, plan)).toEqual([])

      const words = ['session', 'container', 'build.scope', 'job'].flatMap((word) => ['--end', word])
      expect((await planOf(machine, ...words)).ready).toBe(true)
      await startSwap(machine, [], words)
      const report = await awaitReport(machine)
      expect(report, report.reason ?? '').toMatchObject({ verdict: 'swapped' })
    } finally {
      for (const one of logins) one.kill()
    }
    const journal = await inShell(machine, 'journalctl --boot=-1 --output=cat --no-pager')
    for (const unit of ['build.scope', 'guest.scope', 'job.service', 'user@1000.service'])
      expect(journal).toMatch(
        new RegExp(`Stopping ${unit.replace('.', '\\.')}|${unit}: Deactivated successfully`),
      )
    expect(await inShell(machine, 'cat /home/ann/stopped')).toBe('in order')
    // The editor has been told, and has kept what it had.
    expect(await inShell(machine, 'grep -c "not yet saved" /root/.text.swp')).toBe('1')
  }),
)

/** A login with a terminal, which runs a command or a shell. */
function login(machine: Machine, ...command: string[]): ChildProcess {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'].flatMap((option) => [
    '-o',
    option,
  ])
  const words = ['-tt', '-i', machine.image.sshKey, ...options, `root@${machine.address}`, ...command]
  return spawn('ssh', words, { stdio: ['pipe', 'ignore', 'ignore'] })
}

/** logind makes scopes for logins, where its module of PAM is installed. */
async function install(machine: Machine): Promise<void> {
  const { 'older-stable': running, 'newest-backports': newest } = machine.image.kernels
  const place = mkdtempSync(join(tmpdir(), 'kernelswap-account-'))
  try {
    const packages = ['libpam-systemd', 'vim-tiny'].map((name) => ({
      name,
      version: 'any',
      architecture: 'amd64',
    }))
    const wanted = { packages, units: [], kernels: { running, newest } }
    const { files } = await fetchPackages(machine.image, wanted, place)
    const ssh = await machine.ssh()
    for (const file of files) await ssh.putFile(join(place, file), `/root/${file}`, 0o600)
    const words = ['-ec', `cd /root && DEBIAN_FRONTEND=noninteractive dpkg --install ${files.join(' ')}`]
    await prepareBy(machine, 'bash', words, { timeoutSeconds: 1800 })
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** A user's service of a user who needn't be logged in, a guest, a build, and a job. */
async function beginOthers(machine: Machine): Promise<void> {
  await inShell(
    machine,
    `mkdir -p /var/log/journal && journalctl --flush
     useradd --create-home --shell /bin/bash --uid 1000 ann
     install -d -o ann -g ann /home/ann/.config /home/ann/.config/systemd /home/ann/.config/systemd/user
     cat > /home/ann/.config/systemd/user/late.service <<'END'
[Service]
ExecStart=sleep 7777
ExecStop=sh -c "echo in order > /home/ann/stopped; sync"
[Install]
WantedBy=default.target
END
     install -d -o ann -g ann /home/ann/.config/systemd/user/default.target.wants
     ln -s ../late.service /home/ann/.config/systemd/user/default.target.wants/
     loginctl enable-linger ann
     systemd-run --quiet --unit=job sleep 9991
     (systemd-run --quiet --scope --unit=build sleep 9992 < /dev/null > /dev/null 2>&1 &)
     (systemd-run --quiet --scope --slice=machine.slice --unit=guest sleep 9993 < /dev/null > /dev/null 2>&1 &)
     until pgrep --full 'sleep 7777' && pgrep --full 'sleep 9993' && pgrep vim.tiny; do sleep 1; done > /dev/null`,
  )
}

async function planOf(machine: Machine, ...words: string[]): Promise<Plan> {
  const kernel = machine.image.kernels['newest-stable']
  const shell = await machine.ssh()
  const line = ['plan', '--json', '--no-trial', '--kernel', kernel, ...words, ...machineUnits]
  const { code, stdout, stderr } = await shell.run('kernelswap', line, { timeoutSeconds: 600 })
  expect([0, 3], stderr).toContain(code)
  return planSchema.parse(JSON.parse(stdout))
}

/** Control groups of processes that a plan's list does not have in exactly one of its groups. */
async function missingFrom(machine: Machine, { groups = [] }: Plan): Promise<string[]> {
  const list = await inShell(machine, '(cat /proc/[0-9]*/cgroup 2>/dev/null || true) | sed -n s/^0:://p')
  const found = [...new Set(list.split('\n'))]
  expect(found.length).toBeGreaterThan(10)
  return found.filter((group) => {
    const holders = groups.filter(
      ({ controlGroup }) =>
        group === controlGroup || (controlGroup !== '/' && group.startsWith(`${controlGroup}/`)),
    )
    return holders.length !== 1
  })
}
