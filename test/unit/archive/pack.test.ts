import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkArchive } from '../../../src/archive/check.ts'
import { packTree } from '../../../src/archive/pack.ts'
import { contents, listing, shell } from './tree.ts'

const isRoot = process.getuid?.() === 0
const longName = 'n'.repeat(200)

let place = ''
let root = ''
let archive = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-pack-'))
  root = join(place, 'root')
  archive = join(place, 'a.tar')
  await mkdir(join(root, 'run'), { recursive: true })
})
afterEach(() => rm(place, { recursive: true, force: true }))

const trees: readonly { readonly name: string; readonly make: string; readonly needsRoot?: boolean }[] = [
  { name: 'an empty directory', make: 'true' },
  { name: 'an empty file', make: ': > empty' },
  { name: 'files larger than a block', make: 'head -c 3000001 /dev/urandom > big; printf x > small' },
  {
    name: 'names with blanks, quotes and newlines',
    make: `echo 1 > 'a b'; echo 2 > "it's"; echo 3 > 'a\nb'`,
  },
  { name: 'names beyond ASCII', make: 'mkdir -p ünï/日本; echo x > ünï/日本/файл; ln -s ünï/日本 link' },
  {
    name: 'paths longer than 255 bytes',
    make: `mkdir -p ${longName}/${longName}; echo x > ${longName}/${longName}/${longName}`,
  },
  { name: 'a link to a long path', make: `ln -s /${longName}/${longName} long` },
  {
    name: 'hard links, in other directories too',
    make: 'mkdir b; echo x > a; ln a b/second; ln a third; echo y > c',
  },
  { name: 'a hard link to an empty file', make: ': > a; ln a b' },
  {
    name: 'links that dangle, lead out or lead in',
    make: 'ln -s nowhere a; ln -s ../../../etc/passwd b; ln -s /etc c; mkdir d; ln -s d e; ln -s . f',
  },
  { name: 'FIFOs', make: 'mkfifo -m 620 fifo' },
  { name: 'special modes', make: 'mkdir -m 1777 sticky; echo x > s; chmod 6755 s; mkdir -m 2750 group' },
  {
    name: 'files that nobody may read',
    make: 'echo secret > none; chmod 000 none; mkdir -m 000 closed',
    needsRoot: true,
  },
  { name: 'times to the nanosecond', make: "echo x > t; touch -d '2001-02-03 04:05:06.123456789 UTC' t" },
  {
    name: 'times before 1970',
    make: "echo x > t; touch -d '1960-02-03 04:05:06.5 UTC' t; touch -d @-0.25 u",
  },
  { name: 'times after 2038', make: "echo x > t; touch -d '2100-01-01 00:00:00.000000001 UTC' t" },
  {
    name: 'owners beyond what a plain header holds',
    make: 'echo x > o; chown 3000000000:2097152 o; ln -s x l; chown -h 4000000000 l; mkfifo p; chown 7:8 p',
    needsRoot: true,
  },
  { name: 'a file with a hole', make: 'truncate -s 1M hole; printf end >> hole' },
]

/** What a service finds on tmpfs after the swap is what it left there: system tar unpacks it in the landing. */
test.each(trees)('$name come through system tar as they were', async ({ make, needsRoot }) => {
  if (needsRoot && !isRoot) return
  shell(join(root, 'run'), make)
  const packed = await packTree(root, ['/run'], archive)
  expect(await checkArchive(archive)).toBe(packed)
  expect(shell(place, 'tar --list --quoting-style=escape --file=a.tar').trim().split('\n')).toHaveLength(
    packed,
  )

  const copy = join(place, 'copy')
  await mkdir(copy)
  shell(copy, 'tar --extract --preserve-permissions --same-owner --file=../a.tar')
  expect(listing(copy)).toEqual(listing(root))
  expect(contents(copy)).toEqual(contents(root))
})

test('the archive may hold secrets: only its owner reads it', async () => {
  await packTree(root, ['/run'], archive)
  expect((await stat(archive)).mode & 0o777).toBe(0o600)
})

test('members are those asked for, relative to the root; what does not exist is left out', async () => {
  shell(root, 'mkdir run/redis; echo 1 > run/redis/pid; echo 2 > run/nginx.pid; echo 3 > run/other')
  const packed = await packTree(root, ['/run/redis', '/run/nginx.pid', '/run/gone'], archive)
  expect(packed).toBe(3)
  expect(shell(place, 'tar --list --file=a.tar')).toBe('run/redis\nrun/redis/pid\nrun/nginx.pid\n')
})

test('no member at all makes an archive that unpacks to nothing', async () => {
  expect(await packTree(root, [], archive)).toBe(0)
  expect(await checkArchive(archive)).toBe(0)
  expect(shell(place, 'tar --list --file=a.tar')).toBe('')
})

/** CRIU binds sockets again, and would find their names taken. */
test('sockets are left out', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(root, 'run', 'socket'), resolve))
  try {
    expect(await packTree(root, ['/run'], archive)).toBe(1)
  } finally {
    server.close()
  }
})

/** A service could plant a link where a directory was, to have root read what it may not. */
test('no link is followed, be it a member itself', async () => {
  await writeFile(join(place, 'secret'), 'secret')
  shell(join(root, 'run'), 'ln -s ../../secret link; ln -s .. up')
  expect(await packTree(root, ['/run/link', '/run/up'], archive)).toBe(2)
  expect(shell(place, 'tar --list --verbose --file=a.tar')).toMatch(
    /^l.*run\/link -> .*\nl.*run\/up -> \.\.\n$/,
  )
})

test('a disk that is full fails the archive, it does not cut it short', async () => {
  shell(root, 'head -c 100000 /dev/urandom > run/big')
  await expect(packTree(root, ['/run'], '/dev/full')).rejects.toThrow(/ENOSPC/)
})

test('an archive that cannot be created fails', async () => {
  await expect(packTree(root, ['/run'], join(place, 'no/such/directory.tar'))).rejects.toThrow(/ENOENT/)
})

/** A service's file in a tmpfs /tmp needs the directories above it, as they were. */
test('directories above come alone, with owners and modes, and what is told to stay out does', async () => {
  shell(root, 'mkdir -p -m 711 run/a; mkdir -m 1770 run/a/b; echo 1 > run/a/b/one; echo 2 > run/a/other')
  shell(root, 'mkdir -p run/c/mount; echo 3 > run/c/mount/file; echo 4 > run/c/file')
  const options = { alone: ['/run/a', '/run/a/b'], without: new Set(['/run/c', '/run/c/mount']) }
  const packed = await packTree(root, ['/run/a/b/one', '/run/c'], archive, options)
  expect(await checkArchive(archive)).toBe(packed)
  const names = ['run/a', 'run/a/b', 'run/a/b/one', 'run/c', 'run/c/file']
  expect(shell(place, 'tar --list --file=a.tar').trim().split('\n')).toEqual(names)
  expect(shell(place, 'tar --list --verbose --file=a.tar run/a/b').slice(0, 10)).toBe('drwxrwx--T')
})
