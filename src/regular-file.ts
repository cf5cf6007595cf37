import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'

/**
 * Opens a file that somebody named. Reading a pipe may wait for ever, and opening some devices does something (a
 * watchdog starts), so nothing but a regular file is opened.
 * @throws Error that says what it is instead, or Node's own, such as ENOENT.
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  refuseOthers(await stat(path))
  // Another one may have taken its place meanwhile: that mustn't wait, nor become our terminal (open(2)).
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    refuseOthers(await file.stat())
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * The bytes of a file that somebody named.
 * @param mostBytes more of it is refused: files in /proc tell no size, so it is what is read that counts
 * @throws Error as `openRegularFile`, and for one that is larger.
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer> {
  const file = await openRegularFile(path)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of file.createReadStream({ autoClose: false, end: mostBytes })) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
  } finally {
    await file.close()
  }
  if (bytes > mostBytes) throw new Error(`it is larger than ${sizeText(mostBytes)}`)
  return Buffer.concat(chunks)
}

function refuseOthers(file: Stats): void {
  if (file.isFile()) return
  const what = file.isDirectory()
    ? 'a directory'
    : file.isFIFO()
      ? 'a pipe'
      : file.isSocket()
        ? 'a socket'
        : 'a device'
  throw new Error(`it is ${what}, not a regular file`)
}

function sizeText(bytes: number): string {
  return bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${bytes / (1 << 20)} MiB`
}
