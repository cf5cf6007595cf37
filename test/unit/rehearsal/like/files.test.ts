import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchFiles, filterArchive } from '../../../../src/rehearsal/like/files.ts'
import type { ReadHost } from '../../../../src/rehearsal/like/host.ts'
import type { Copied } from '../../../../src/rehearsal/like/likeness.ts'

let place = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-files-'))
})
afterEach(() => rm(place, { recursive: true }))

const sent = () => join(place, 'sent.tar')
const kept = () => join(place, 'kept.tar')

/** What a host sends. */
async function send(...headers: readonly (Partial<Header> & Pick<Header, 'name'>)[]): Promise<void> {
  const tar = pack()
  const written = pipeline(tar, createWriteStream(sent()))
  for (const { mode = 0o644, ...header } of headers)
    tar.entry({ ...header, mode }, header.type ? '' : 'content')
  tar.finalize()
  await written
}

async function filter(...members: readonly string[]): Promise<Copied[]> {
  return (await filterArchive(createReadStream(sent()), kept(), members)).copied
}

async function names(): Promise<string[]> {
  const found: string[] = []
  const reader = extract()
  reader.on('entry', ({ name }, stream, next) => {
    found.push(name)
    stream.on('end', next).resume()
  })
  await pipeline(createReadStream(kept()), reader)
  return found
}

/** A host whose tar sends that archive. */
function host(stderr = '', code = 0): ReadHost {
  return {
    name: 'web',
    run: () => Promise.reject(new Error('nothing is to be run')),
    start: async () => ({
      stdin: createWriteStream('/dev/null'),
      stdout: createReadStream(sent()),
      ended: Promise.resolve({ code, stdout: '', stderr }),
    }),
  }
}

test('nothing is kept but what was asked for, and nothing that a copy has its own of', async () => {
  await send(
    { name: 'etc/app/', type: 'directory', mode: 0o755 },
    { name: 'etc/app/app.conf' },
    { name: 'etc/app/link', type: 'symlink', linkname: '/etc/shadow' },
    { name: 'etc/application.conf' },
    { name: 'root/.ssh/authorized_keys' },
    { name: 'etc/machine-id' },
    { name: 'etc/app/disk', type: 'block-device' },
    { name: 'etc/app/pipe', type: 'fifo' },
  )
  await filter('/etc/app', '/etc/machine-id')
  expect(await names()).toEqual(['etc/app/', 'etc/app/app.conf', 'etc/app/link'])
})

test('logins and passwords are kept back inside of data as well', async () => {
  const names = ['ann/.ssh/id_ed25519', 'ann/.sshrc', 'ann/notes']
  await send(...names.map((name) => ({ name: `home/${name}` })), { name: 'var/backups/shadow.bak' })
  const copied = await filter('/home', '/var/backups')
  expect(copied.map(({ path }) => path)).toEqual(['/home/ann/.sshrc', '/home/ann/notes'])
})

test.each(['../etc/app/x', 'etc/app/../../root/x', '/etc/app/x', 'etc/app/a\nb'])(
  'the name %j is not kept',
  async (name) => {
    await send({ name }, { name: 'etc/app/fine' })
    await filter('/etc/app')
    expect(await names()).toEqual(['etc/app/fine'])
  },
)

test('an archive that leads through a link of its own is refused', async () => {
  await send({ name: 'etc/app', type: 'symlink', linkname: '/root' }, { name: 'etc/app/.profile' })
  await expect(fetchFiles(host(), ['/etc/app'], kept())).rejects.toThrow('leads through a link')
})

test('a hard link stays with the file that it is another name of, and nothing else that a header says is kept', async () => {
  await send(
    { name: 'etc/ssh/key' },
    { name: 'etc/app/key', type: 'link', linkname: 'etc/ssh/key' },
    { name: 'etc/app/a', pax: { 'GNU.sparse.name': '/root/.profile' } },
    { name: 'etc/app/b', type: 'link', linkname: 'etc/app/a' },
  )
  const { copied } = await fetchFiles(host(), ['/etc'], kept())
  expect(copied.map(({ path }) => path)).toEqual(['/etc/app/a', '/etc/app/b'])
  expect(await names()).toEqual(['etc/app/a', 'etc/app/b'])
})

test('a file that not everybody may read there is a secret, and so is one in a folder that not everybody may', async () => {
  await send(
    { name: 'etc/app.conf' },
    { name: 'etc/app.key', mode: 0o640 },
    { name: 'etc/app.d/', type: 'directory', mode: 0o750 },
    { name: 'etc/app.d/inner' },
    { name: 'etc/app.link', type: 'symlink', linkname: 'app.key', mode: 0o777 },
  )
  const copied = await filter('/etc')
  expect(copied.filter(({ secret }) => secret).map(({ path }) => path)).toEqual([
    '/etc/app.key',
    '/etc/app.d/inner',
  ])
  expect(copied).toHaveLength(4)
})

test('owners are told by name as well, since their numbers may be others in the copy', async () => {
  await send({ name: 'etc/app.conf', uid: 104, uname: 'Debian-exim', gid: 110, gname: 'mail' })
  await filter('/etc')
  const reader = extract()
  const seen: Header[] = []
  reader.on('entry', (header, stream, next) => {
    seen.push(header)
    stream.on('end', next).resume()
  })
  await pipeline(createReadStream(kept()), reader)
  expect(seen).toMatchObject([{ uname: 'Debian-exim', gname: 'mail' }])
})

test('directories that were asked for are told of, not those below them', async () => {
  await send(
    { name: 'etc/app/', type: 'directory', mode: 0o755 },
    { name: 'etc/app/conf.d/', type: 'directory', mode: 0o755 },
    { name: 'srv', type: 'symlink', linkname: '/mnt' },
  )
  const { folders } = await filterArchive(createReadStream(sent()), kept(), ['/etc/app', '/srv'])
  expect(folders).toEqual(['/etc/app'])
})

test('only we may read what was copied', async () => {
  await send({ name: 'etc/app.conf' })
  await filter('/etc')
  expect((await stat(kept())).mode & 0o777).toBe(0o600)
})

test('a stream that ends too soon is an error', async () => {
  await send({ name: 'etc/app.conf', size: 7 })
  const half = createReadStream(sent(), { end: 600 })
  await expect(filterArchive(Readable.from(half), kept(), ['/etc'])).rejects.toThrow()
})

test('files that change while they are copied are told of, and a tar that fails is an error', async () => {
  await send({ name: 'etc/app.conf' })
  const changed = 'tar: etc/app.conf: file changed as we read it\n'
  expect((await fetchFiles(host(changed, 1), ['/etc'], kept())).notes).toEqual([
    '/etc/app.conf changed while it was copied',
  ])
  await expect(fetchFiles(host('tar: /: Cannot open: why\n', 2), ['/etc'], kept())).rejects.toThrow(
    'The files of web could not be copied: tar: /: Cannot open: why; try again.',
  )
})
