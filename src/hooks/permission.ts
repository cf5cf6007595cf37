import { statSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { looseness } from '../ownership.ts'

/** Why a program may not be run as root, if it may not: others could change it, or it is none. */
export function whyUnsafe(path: string): string | undefined {
  try {
    const file = statSync(path)
    if (!file.isFile()) return `${path} is no file`
    const unfit = (file.mode & 0o111) === 0 ? `${path} is not executable; chmod +x it, or mask it` : undefined
    return looseness(path) ?? unfit
  } catch (error) {
    return messageOf(error)
  }
}
