import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, ifMissing } from '../errors.ts'
import { isThere } from '../files.ts'
import { run } from '../host/local.ts'
import { paths } from '../paths.ts'
import type { BootEntry, BootLoader } from './boot-loader.ts'

/** GRUB's menu, as `update-grub` writes it. */
export const grubMenu = join(paths.boot, 'grub/grub.cfg')
const environmentBlock = join(paths.boot, 'grub/grubenv')

export const grub = {
  name: 'grub',
  isHere: () => isThere(grubMenu),
  entries: async () => {
    const menu = await readFile(grubMenu, 'utf8')
    if (!heedsNextEntry(menu)) throw new Failure('refused', "GRUB's menu pays no heed to grub-reboot")
    return parseGrubMenu(menu)
  },
  defaultEntry: async () => {
    const menu = await readFile(grubMenu, 'utf8').catch(ifMissing(undefined))
    if (menu === undefined) return undefined
    return defaultGrubEntry(menu, variable.test(defaultOf(menu)) ? await environment() : {})
  },
  next: async () => (await environment()).next_entry,
  setNext: async (id) => {
    if (id === undefined) await run('grub-editenv', ['-', 'unset', 'next_entry'])
    else await run('grub-reboot', [id])
  },
  aimCommand: (id) => ['grub-reboot', id],
} as const satisfies BootLoader

/** True for a menu that starts what `grub-reboot` names. A menu of one's own may not look (grub-reboot(8)). */
export function heedsNextEntry(menu: string): boolean {
  return /^\s*set default="?\$\{?next_entry\}?"?\s*$/m.test(menu)
}

/** Parses grub.cfg: every `menuentry` that loads a Linux kernel, in the menu's order. */
export function parseGrubMenu(menu: string): BootEntry[] {
  return grubEntries(menu).map(({ entry }) => entry)
}

interface GrubEntry {
  readonly entry: BootEntry
  /** What GRUB takes for it and for the menus that it is in, from the outermost: number, id, title. */
  readonly names: readonly (readonly string[])[]
}

function grubEntries(menu: string): GrubEntry[] {
  const entries: GrubEntry[] = []
  const open: Block[] = []
  /** How many entries the menus that are open have had, the innermost last. */
  const counts = [0]
  for (const words of menu.split('\n').map(shellWords)) {
    const [command] = words
    if (words.at(-1) === '{') {
      const block = blockOf(words, counts.at(-1)!)
      open.push(block)
      if (isEntry(block)) counts.push(counts.pop()! + 1)
      if (block.kind === 'submenu') counts.push(0)
    } else if (command === '}') {
      if (open.pop()?.kind === 'submenu') counts.pop()
    } else if (/^linux(16|efi)?$/.test(command ?? '') && open.at(-1)?.kind === 'menuentry') {
      const menus = open.filter(isEntry)
      entries.push({ entry: entryOf(menus, words), names: menus.map(({ names }) => names) })
    }
  }
  return entries
}

/** What a pair of braces holds. */
interface Block {
  readonly kind: string
  readonly id: string
  /** Its number among its neighbours, its id and its title, any of which names it. */
  readonly names: readonly string[]
}

function isEntry({ kind }: Block): boolean {
  return kind === 'submenu' || kind === 'menuentry'
}

/** A title stands in for an id; in a path of them its own `>` is doubled (GRUB manual, "default"). */
function blockOf(words: readonly string[], number: number): Block {
  const [kind = '', title = ''] = words
  // update-grub passes --id in a variable, since GRUB before 2.00 doesn't know it.
  const option = words.findIndex((word) => /^(--id|\$\{?menuentry_id_option\}?)$/.test(word))
  const escaped = title.replaceAll('>', '>>')
  const id = (option > 0 && words[option + 1]) || escaped
  return { kind, id, names: [String(number), id, escaped] }
}

function entryOf(menus: readonly Block[], [, linux = '', ...options]: readonly string[]): BootEntry {
  return { id: menus.map(({ id }) => id).join('>'), linux, options: options.join(' ') }
}

/**
 * The entry that GRUB starts where nothing else is aimed at: what the menu sets as its default, which may be what is
 * saved in the environment; the first entry where that names none, and the first of a submenu that it names.
 * @returns undefined where that starts no Linux.
 */
export function defaultGrubEntry(
  menu: string,
  environment: Readonly<Record<string, string>>,
): BootEntry | undefined {
  const entries = grubEntries(menu)
  const value = defaultOf(menu)
  const wanted = variable.test(value) ? (environment[variable.exec(value)![1]!] ?? '') : value
  const path = wanted.match(/(?:[^>]|>>)+/g) ?? []
  const isFirst = (names: readonly string[] | undefined) => names?.[0] === '0'
  const found = entries.find(
    ({ names }) =>
      path.length > 0 &&
      path.every((part, depth) => names[depth]?.includes(part)) &&
      names.slice(path.length).every(isFirst),
  )
  return (found ?? entries.find(({ names }) => names.every(isFirst)))?.entry
}

const variable = /^\$\{?(\w+)\}?$/

/** What the menu sets as its default at an ordinary boot: the last that isn't for the next boot alone. */
function defaultOf(menu: string): string {
  const values = menu
    .split('\n')
    .map(shellWords)
    .flatMap(([command, word]) =>
      command === 'set' && word?.startsWith('default=') ? [word.slice('default='.length)] : [],
    )
  return values.filter((each) => !each.includes('next_entry')).at(-1) ?? '0'
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

async function environment(): Promise<Readonly<Record<string, string>>> {
  // There is no environment block before the first variable is set.
  if (!(await isThere(environmentBlock))) return {}
  return parseGrubEnvironment((await run('grub-editenv', ['-', 'list'])).stdout)
}

/** Parses `grub-editenv list`; a variable that is empty counts as not set, as for GRUB. */
export function parseGrubEnvironment(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\n').map((line): [string, string] => {
    const equals = line.indexOf('=')
    return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1)]
  })
  return Object.fromEntries(pairs.filter(([name, value]) => name !== '' && value !== ''))
}
