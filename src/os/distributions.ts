import { readFileSync } from 'node:fs'
import { ifMissing } from '../errors.ts'
import { debian } from './debian.ts'
import type { Distribution } from './distribution.ts'

const distributions: readonly Distribution[] = [debian]

/** This host's distribution; where it is none of those known, the one that most others descend from. */
export function thisDistribution(): Distribution {
  const ids = idsOf(osRelease())
  return distributions.find(({ id }) => ids.includes(id)) ?? debian
}

/** Releases of the installed kernels, the oldest first. */
export function installedKernels(): Promise<string[]> {
  return thisDistribution().installedKernels()
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8')
  } catch (error) {
    return ifMissing('')(error)
  }
}

/** What a host calls itself, then what it is like (os-release(5)). */
export function idsOf(text: string): string[] {
  const value = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1] ?? ''
  return `${value('ID')} ${value('ID_LIKE')}`.split(' ').filter(Boolean)
}
