import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { ifMissing } from '../errors.ts'
import { run } from '../host/local.ts'
import type { BootEntry, BootLoader } from './boot-loader.ts'

export const systemdBoot = {
  name: 'systemd-boot',
  // It says so itself, such as `systemd-boot 257`.
  isHere: async () => (await readLoaderVariable('Info'))?.startsWith('systemd-boot') ?? false,
  entries: async () => parseSystemdBootEntries(await list()),
  defaultEntry: async () => parseDefaultSystemdBootEntry(await list()),
  next: () => readLoaderVariable('EntryOneShot'),
  // Without an entry: its default (bootctl(1), set-oneshot).
  setNext: async (id) => void (await run('bootctl', ['set-oneshot', id ?? ''])),
  aimCommand: (id) => ['bootctl', 'set-oneshot', id],
} as const satisfies BootLoader

async function list(): Promise<string> {
  return (await run('bootctl', ['list', '--json=short'])).stdout
}

/** Vendor of the boot loader interface's variables (systemd.io/BOOT_LOADER_INTERFACE). */
const loaderVariables = '/sys/firmware/efi/efivars/Loader'
const vendor = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'

async function readLoaderVariable(name: string): Promise<string | undefined> {
  const raw = await readFile(`${loaderVariables}${name}-${vendor}`).catch(ifMissing(undefined))
  return raw && parseLoaderVariable(raw)
}

/** Four bytes of attributes, then UTF-16 with a zero at the end (efivarfs.rst; EFI specification, CHAR16). */
export function parseLoaderVariable(raw: Buffer): string | undefined {
  return raw.subarray(4).toString('utf16le').replace(/\0+$/, '') || undefined
}

const textOrNone = z
  .string()
  .nullish()
  .transform((text) => text ?? '')
const systemdBootEntry = z.object({ id: z.string(), linux: textOrNone, options: textOrNone })

/** Parses `bootctl list --json=short`: an array, before systemd 253 an object a line. */
export function parseSystemdBootEntries(text: string): BootEntry[] {
  return z.array(systemdBootEntry).parse(arrayOf(text))
}

/** The default among those; systemd before 253 doesn't tell it. */
export function parseDefaultSystemdBootEntry(text: string): BootEntry | undefined {
  const entry = systemdBootEntry.extend({ isDefault: z.boolean().nullish() })
  const found = z
    .array(entry)
    .parse(arrayOf(text))
    .find(({ isDefault }) => isDefault)
  return found && { id: found.id, linux: found.linux, options: found.options }
}

function arrayOf(text: string): unknown {
  return JSON.parse(text.startsWith('[') ? text : `[${text.trim().split('\n').join(',')}]`)
}
