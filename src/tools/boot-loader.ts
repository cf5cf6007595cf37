import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { ifMissing } from '../errors.ts'
import { attempt, run } from '../host/local.ts'

/** What a boot loader can start. */
export interface BootEntry {
  /** As the boot loader's own tools name it; for GRUB with the submenus it is in, `submenu>entry`. */
  readonly id: string
  /** The kernel's file, as the boot loader finds it: on its own file system, not on the running one's. */
  readonly linux: string
  readonly options: string
}

const grubMenu = '/boot/grub/grub.cfg'

/** GRUB's menu as `update-grub` writes it, undefined where there is none. */
export async function readGrubMenu(): Promise<string | undefined> {
  return readFile(grubMenu, 'utf8').catch(ifMissing(undefined))
}

/** True for a menu that starts what `grub-reboot` names. A menu of one's own may not look (grub-reboot(8)). */
export function heedsNextEntry(menu: string): boolean {
  return /^\s*set default="?\$\{?next_entry\}?"?\s*$/m.test(menu)
}

/** Parses grub.cfg: every `menuentry` that loads a Linux kernel, in the menu's order. */
export function parseGrubMenu(menu: string): BootEntry[] {
  const entries: BootEntry[] = []
  const open: Block[] = []
  for (const words of menu.split('\n').map(shellWords)) {
    const [command] = words
    if (words.at(-1) === '{') open.push(blockOf(words))
    else if (command === '}') open.pop()
    else if (/^linux(16|efi)?$/.test(command ?? '') && open.at(-1)?.kind === 'menuentry')
      entries.push(entryOf(open, words))
  }
  return entries
}

/** What a pair of braces holds. */
interface Block {
  readonly kind: string
  readonly id: string
}

/** A title stands in for an id; in a path of them its own `>` is doubled (GRUB manual, "default"). */
function blockOf(words: readonly string[]): Block {
  const [kind = '', title = ''] = words
  // update-grub passes --id in a variable, since GRUB before 2.00 doesn't know it.
  const option = words.findIndex((word) => /^(--id|\$\{?menuentry_id_option\}?)$/.test(word))
  return { kind, id: (option > 0 && words[option + 1]) || title.replaceAll('>', '>>') }
}

function entryOf(open: readonly Block[], [, linux = '', ...options]: readonly string[]): BootEntry {
  const menus = open.filter(({ kind }) => kind === 'submenu' || kind === 'menuentry')
  return { id: menus.map(({ id }) => id).join('>'), linux, options: options.join(' ') }
}

/** The words of a line as a shell splits it; grub.cfg's quoting is the shell's (GRUB manual, "Shell-like scripting"). */
function shellWords(line: string): string[] {
  const words = line.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g) ?? []
  const comment = words.findIndex((word) => word.startsWith('#'))
  return words.slice(0, comment < 0 ? undefined : comment).map(unquoted)
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\(["\\$])/g, '$1') ?? escaped ?? '',
  )
}

/** The entry that GRUB starts at the next boot alone, undefined where its default is next. */
export async function nextGrubEntry(): Promise<string | undefined> {
  // There is no environment block before the first variable is set.
  const { code, stdout } = await attempt('grub-editenv', ['-', 'list'])
  return code === 0 ? parseGrubEnvironment(stdout).next_entry : undefined
}

/** Parses `grub-editenv list`; a variable that is empty counts as not set, as for GRUB. */
export function parseGrubEnvironment(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\n').map((line): [string, string] => {
    const equals = line.indexOf('=')
    return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1)]
  })
  return Object.fromEntries(pairs.filter(([name, value]) => name !== '' && value !== ''))
}

/** Makes GRUB start an entry at the next boot alone; without one, its default. */
export async function setNextGrubEntry(entry: string | undefined): Promise<void> {
  if (entry === undefined) await run('grub-editenv', ['-', 'unset', 'next_entry'])
  else await run('grub-reboot', [entry])
}

/** Vendor of the boot loader interface's variables (systemd.io/BOOT_LOADER_INTERFACE). */
const loaderVariables = '/sys/firmware/efi/efivars/Loader'
const vendor = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'

/** What the boot loader says it is, such as `systemd-boot 257`; undefined where it says nothing. */
export function loaderInfo(): Promise<string | undefined> {
  return readLoaderVariable('Info')
}

/** The entry that systemd-boot starts at the next boot alone, undefined where its default is next. */
export function nextSystemdBootEntry(): Promise<string | undefined> {
  return readLoaderVariable('EntryOneShot')
}

async function readLoaderVariable(name: string): Promise<string | undefined> {
  const raw = await readFile(`${loaderVariables}${name}-${vendor}`).catch(ifMissing(undefined))
  return raw && parseLoaderVariable(raw)
}

/** Four bytes of attributes, then UTF-16 with a zero at the end (efivarfs.rst; EFI specification, CHAR16). */
export function parseLoaderVariable(raw: Buffer): string | undefined {
  return raw.subarray(4).toString('utf16le').replace(/\0+$/, '') || undefined
}

/** Makes systemd-boot start an entry at the next boot alone; without one, its default (bootctl(1), set-oneshot). */
export async function setNextSystemdBootEntry(entry: string | undefined): Promise<void> {
  await run('bootctl', ['set-oneshot', entry ?? ''])
}

/** What systemd-boot can start. */
export async function systemdBootEntries(): Promise<BootEntry[]> {
  return parseSystemdBootEntries((await run('bootctl', ['list', '--json=short'])).stdout)
}

const textOrNone = z
  .string()
  .nullish()
  .transform((text) => text ?? '')
const systemdBootEntry = z.object({ id: z.string(), linux: textOrNone, options: textOrNone })

/** Parses `bootctl list --json=short`: an array, before systemd 253 an object a line. */
export function parseSystemdBootEntries(text: string): BootEntry[] {
  const array = text.startsWith('[') ? text : `[${text.trim().split('\n').join(',')}]`
  return z.array(systemdBootEntry).parse(JSON.parse(array))
}
