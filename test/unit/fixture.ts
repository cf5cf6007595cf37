import { readFileSync } from 'node:fs'

/** Output that was captured on a real machine (Debian 13, kernel 6.12). */
export function fixture(name: string): string {
  return fixtureBytes(name).toString()
}

export function fixtureBytes(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
}
