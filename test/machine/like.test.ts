import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareBy } from '../../src/rehearsal/installation.ts'
import { predictionSchema } from '../../src/rehearsal/like/prediction.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { reportSchema } from '../../src/report/report.ts'
import { elsewhere } from './elsewhere.ts'
import { fetchForeignPackages, foreignUnits } from './foreign-services.ts'
import { inShell, outcomesOf, withMachine } from './support.ts'

/** `npm run test:remote` asks for it. */
const isAsked = process.env.KERNELSWAP_REMOTE === '1'

/** CRIU doesn't bring back IP_TOS of an IPv6 socket, which is what ngircd listens at: this one comes back different. */
const [whole, harmed] = foreignUnits

/** A unit that no package has brought, and that nobody has adopted. */
const own = 'pausing.service'

test.runIf(isAsked)(
  'a machine like a host runs the services of that host, and what its swap predicts is what a swap of the host then does',
  { timeout: 7_200_000 },
  () =>
    withMachine('like', async (host) => {
      const place = mkdtempSync(join(tmpdir(), 'kernelswap-like-'))
      try {
        await makeAnotherHost(host, join(place, 'packages'))
        const before = await traces(host)
        const kernelswap = elsewhere(host, place)

        const rehearsed = await kernelswap('rehearse', '--like', 'machine', '--json')
        expect(rehearsed.code, rehearsed.stderr).toBe(1)
        const prediction = predictionSchema.parse(JSON.parse(rehearsed.stdout))
        const to = host.image.kernels['newest-backports']
        expect(prediction).toMatchObject({
          host: 'machine',
          kernel: { from: host.image.kernels['older-stable'], to },
          units: [
            { unit: whole, outcome: 'preserved', reason: null },
            { unit: harmed, outcome: 'cannot', reason: expect.stringContaining('another ip-options: ') },
            { unit: own, outcome: 'needs-adopt', reason: expect.stringContaining('PrivateUsers=no') },
          ],
          notes: [],
          report: { verdict: 'degraded' },
        })
        expect(prediction.secrets.files).toEqual(
          expect.arrayContaining(['/etc/default/pausing', '/etc/ngircd/ngircd.conf']),
        )
        expect(statSync(prediction.secrets.folder).mode & 0o777).toBe(0o700)
        expect(await traces(host)).toBe(before)
        expectHostsConfiguration(rehearsed.stderr)

        const refused = await kernelswap('--host', 'machine', 'plan', '--no-trial')
        expect(refused.code).toBe(3)
        expect(refused.stdout).toContain(`kernelswap adopt ${own}`)
        const swapped = await kernelswap('--host', 'machine', 'run', '--yes', '--json', ...foreignUnits)
        expect(swapped.code, swapped.stderr).toBe(1)
        const report = reportSchema.parse(JSON.parse(swapped.stdout))
        expect(report).toMatchObject({ verdict: 'degraded', kernel: { running: to } })
        expect(outcomesOf(report)).toEqual({ [whole]: 'preserved', [harmed]: 'preserved' })
        const differing = report.workloads.flatMap(({ unit, abi }) =>
          (abi?.differences ?? []).map(({ facet }) => [unit, facet]),
        )
        expect(differing).toEqual([[harmed, 'ip-options']])
      } finally {
        rmSync(place, { recursive: true })
      }
    }),
)

/** Makes of a rehearsal machine one that runs other services than its image does, each in its own way. */
async function makeAnotherHost(host: Machine, folder: string): Promise<void> {
  const { files } = await fetchForeignPackages(host.image, folder)
  const ssh = await host.ssh()
  for (const file of files) await ssh.putFile(join(folder, file), `/root/${file}`, 0o600)
  await prepare(host, 'systemctl mask --quiet --now redis-server memcached nginx postgresql')
  await prepare(host, `cd /root && dpkg --install ${files.join(' ')} && rm ${files.join(' ')}`)
  await prepare(
    host,
    `sed -i '0,/;Ports = .*/s//Ports = 7000/' /etc/ngircd/ngircd.conf
     chgrp irc /etc/ngircd/ngircd.conf && chmod 640 /etc/ngircd/ngircd.conf
     mkdir -p /etc/systemd/system/beanstalkd.service.d
     printf '[Service]\\nNice=3\\n' > /etc/systemd/system/beanstalkd.service.d/nice.conf
     useradd --uid 1500 --no-create-home pausing
     printf 'WORDS=pausing-for-now\\n' > /etc/default/pausing && chmod 600 /etc/default/pausing
     cat > /usr/local/bin/pausing <<'END'
#!/usr/bin/python3 -u
import os, signal, sys
print(sys.argv[1], os.getuid())
while True:
    signal.pause()
END
     chmod 755 /usr/local/bin/pausing
     cat > /etc/systemd/system/${own} <<'END'
[Service]
ExecStart=/usr/local/bin/pausing $WORDS
EnvironmentFile=/etc/default/pausing
User=pausing
PrivateUsers=yes
END
     systemctl daemon-reload && systemctl restart ${foreignUnits.join(' ')} ${own}`,
  )
}

/** Packages and units take their time in software emulation on a busy host. */
async function prepare(host: Machine, line: string): Promise<void> {
  await prepareBy(host, 'bash', ['-ec', line], { timeoutSeconds: 1200 })
}

/** What a rehearsal must leave alone on the host: processes, and everything below /etc and in kernelswap's state. */
function traces(host: Machine): Promise<string> {
  const units = [...foreignUnits, own].join(' ')
  return inShell(
    host,
    `systemctl show --property=MainPID,NRestarts ${units}
     { find /etc /var/lib/kernelswap -type f -newer /etc/systemd/system/${own} -printf '%p %T@\\n' || true; } | sort`,
  )
}

/** The copy's journal tells that its services had the host's configuration, and ran as the host's users. */
function expectHostsConfiguration(said: string): void {
  const logs = /^logs: (.*)$/m.exec(said)?.[1] ?? ''
  const journal = readFileSync(join(logs, 'journal.log'), 'utf8')
  expect(journal).toMatch(/ngircd.*listening on .*:7000/i)
  expect(journal).toContain('pausing-for-now 1500')
}
