import type { Command } from 'commander'
import { loadSettings } from '../config/configuration.ts'
import { keyName, type Setting } from '../config/settings.ts'
import type { ShownConfiguration } from './documents.ts'
import { createOutput, table } from './output.ts'
import { Verb } from './verb.ts'

/** `kernelswap config show`: the merged configuration. */
export function configShowCommand(): Command {
  return new Verb('show')
    .summary('show every setting and where it comes from')
    .option('--json', 'print one JSON document', false)
    .action(async ({ json }: { json: boolean }) => {
      const settings = await loadSettings()
      createOutput({ json }).result(document(settings), settingsText(settings))
    })
}

function document(settings: readonly Setting[]): ShownConfiguration {
  return {
    schema: 'kernelswap.configuration/1',
    settings: settings.map(({ path, value, origin }) => ({
      key: keyName(path),
      path: [...path],
      // It was TOML.
      value: value as ShownConfiguration['settings'][number]['value'],
      file: origin?.file ?? null,
      line: origin?.line ?? null,
    })),
  }
}

/** A line of TOML for each setting, with its origin as a comment. */
export function settingsText(settings: readonly Setting[]): string[] {
  return table(
    settings.map(({ path, value, origin }) => [
      `${keyName(path)} = ${JSON.stringify(value)}`,
      `# ${origin ? `${origin.file}:${origin.line}` : 'default'}`,
    ]),
  )
}
