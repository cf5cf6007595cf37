import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from '../host/local.ts'

/** Some files of a directory, and who waits for their lines. */
interface Request {
  readonly directory: string
  readonly names: readonly string[]
  readonly resolve: (lines: string) => void
  readonly reject: (error: unknown) => void
}

let waiting: Request[] = []
let atWork = 0

/**
 * A line for each file: its CRC-32, its size in bytes and its name (cksum(1)), in the order of the names. It finds
 * damage, no forgery, and costs hardly more than reading: SHA-256 takes fifteen times as long where the processor has no
 * instructions for it, and services stand still meanwhile.
 *
 * There is a program at work for each processor; what is asked for meanwhile the next ones share: with many units each of
 * its own would take longer to start than to count.
 */
export function cksum(directory: string, names: readonly string[]): Promise<string> {
  if (names.length === 0) return Promise.resolve('')
  return new Promise((resolve, reject) => {
    waiting.push({ directory, names, resolve, reject })
    void work()
  })
}

async function work(): Promise<void> {
  if (atWork === availableParallelism()) return
  atWork += 1
  while (waiting.length > 0) {
    const share = waiting.slice(0, Math.ceil(waiting.length / availableParallelism()))
    waiting = waiting.slice(share.length)
    await answer(share)
  }
  atWork -= 1
}

async function answer(requests: readonly Request[]): Promise<void> {
  try {
    const paths = requests.flatMap(({ directory, names }) => names.map((name) => join(directory, name)))
    const lines = (await sums('cksum', '/', paths)).split('\n').slice(0, -1)
    if (lines.length !== paths.length)
      throw new Error(`cksum told of ${lines.length} files instead of ${paths.length}`)
    let told = 0
    for (const { names, resolve } of requests) {
      const own = lines.slice(told, told + names.length)
      told += names.length
      resolve(own.map((line, index) => `${line.split(' ', 2).join(' ')} ${names[index]}\n`).join(''))
    }
  } catch (error) {
    const [first, ...others] = requests
    if (others.length === 0) return first!.reject(error)
    // Whose file it was shows by itself.
    for (const request of requests) await answer([request])
  }
}

/** The SHA-256 of each file, in hexadecimal digits, in the order of the names. */
export async function sha256sum(directory: string, names: readonly string[]): Promise<string[]> {
  const text = await sums('sha256sum', directory, names)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(0, 64))
}

/** A program of its own, on a core of its own; what has just been written comes from the page cache. */
async function sums(program: string, directory: string, names: readonly string[]): Promise<string> {
  if (names.length === 0) return ''
  return (await run(program, ['--', ...names], { cwd: directory })).stdout
}
