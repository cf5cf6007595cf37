import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { ProcessReader } from '../../../src/workload/process.ts'

/** Redis opens /proc/self/stat every second: a service that does was refused now and then, as if it had ended. */
test('a process that opens and closes files all the time is read all the same', async () => {
  const script = 'while :; do exec 9< /proc/self/stat 9<&-; done'
  const busy = spawn('sh', ['-c', script], { stdio: 'ignore' })
  try {
    for (let round = 0; round < 100; round += 1) {
      const files = new ProcessReader().read(busy.pid!)?.files.map(({ fd }) => fd)
      expect(files).toEqual(expect.arrayContaining([0, 1, 2]))
    }
  } finally {
    busy.kill('SIGKILL')
    await once(busy, 'exit')
  }
})

test('a process that has ended is nothing', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  expect(new ProcessReader().read(ended.pid!)).toBeUndefined()
})

/** Each process of a busy host sees dozens of mounts: parsing them for each took most of the time. */
test('the mounts of processes that see the same are read once', () => {
  const reader = new ProcessReader()
  const sibling = spawn('sleep', ['1000'])
  try {
    const [one, other] = [reader.read(process.pid), reader.read(sibling.pid!)]
    expect(one!.mounts.length).toBeGreaterThan(0)
    expect(other!.mounts).toBe(one!.mounts)
  } finally {
    sibling.kill('SIGKILL')
  }
})

/** What is archived is what is open at the freeze, not what was when the swap was planned. */
test('where a process is at work is what it is at work at now', async () => {
  const script = 'read go; cd /usr/bin; exec 9< /etc/passwd; echo done; read end'
  const busy = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const reader = new ProcessReader()
    expect(reader.readUse(busy.pid!)!.open).not.toContain('/etc/passwd')
    busy.stdin.write('go\n')
    await once(busy.stdout, 'data')
    expect(reader.readUse(busy.pid!)!.open).toEqual(expect.arrayContaining(['/usr/bin', '/etc/passwd']))
  } finally {
    busy.kill('SIGKILL')
    await once(busy, 'exit')
  }
})

const changeRoot = `
import os, time
file = open('/etc/passwd')
os.chroot('/usr/share')
print('there', flush=True)
time.sleep(1000)`

/** Each daemon that shuts itself in was refused for the files that it had opened before: haproxy, postfix, vsftpd. */
test.skipIf(process.getuid?.() !== 0)(
  'who has changed its root has its older files from the same mounts',
  async () => {
    const daemon = spawn('python3', ['-c', changeRoot])
    try {
      await once(createInterface(daemon.stdout), 'line')
      const { files, mounts } = new ProcessReader().read(daemon.pid!)!
      const opened = files.find(({ target }) => target === '/etc/passwd')!
      expect(mounts.map(({ id }) => id)).toContain(opened.mountId)
    } finally {
      daemon.kill('SIGKILL')
    }
  },
)
