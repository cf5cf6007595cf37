import type { Command } from 'commander'
import { builtInHooks } from '../hooks/built-in.ts'
import { byFileName, foldersOf, type ListedHook, listHooks } from '../hooks/find.ts'
import { serviceName } from '../tools/unit-name.ts'
import type { ShownHooks } from './documents.ts'
import { createOutput, table } from './output.ts'
import { Verb } from './verb.ts'

type HookRow = ShownHooks['hooks'][number]

/** `kernelswap hooks list`: which hooks there are, and which are called. */
export function hooksListCommand(): Command {
  return new Verb('list')
    .summary('tell which hooks there are')
    .description(
      'Lists the hooks of a unit in the order they are called, or every hook there is. Your own go to\n' +
        '/etc/kernelswap/hooks.d/UNIT/NN-name (or all/NN-name); a file there hides a shipped one of the same name,\n' +
        'a link to /dev/null masks it. `refused` ones count as broken, since others than root could change them.',
    )
    .argument('[unit]', 'a service')
    .option('--json', 'print one JSON document', false)
    .action(async (unit: string | undefined, options: { json: boolean }) => {
      const hooks = await listHooks(unit === undefined ? undefined : foldersOf(serviceName(unit)))
      const builtIn = builtInHooks.filter(({ id }) => hooks.every((hook) => hook.id !== id))
      const rows = [...builtIn.map(({ id }) => row({ id, isMasked: false })), ...hooks.map(row)].sort(
        (a, b) => byFileName(a.hook, b.hook),
      )
      const document: ShownHooks = { schema: 'kernelswap.hooks/1', hooks: rows }
      createOutput(options).result(document, listText(rows))
    })
}

function row({ id, path, isMasked, refused }: Omit<ListedHook, 'path'> & { path?: string }): HookRow {
  const state = isMasked ? 'masked' : refused === undefined ? 'ready' : 'refused'
  return { hook: id, state, path: path ?? null, reason: refused ?? null }
}

function listText(rows: readonly HookRow[]): string[] {
  return table([
    ['HOOK', 'STATE', 'FILE'],
    ...rows.map(({ hook, state, path, reason }) => [
      hook,
      state,
      `${path ?? 'built in'}${reason === null ? '' : `: ${reason}`}`,
    ]),
  ])
}
