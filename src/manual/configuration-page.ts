import { configurationKeys } from './configuration-keys.ts'
import { bold, literal, pageHead, roff, section, tagged } from './roff.ts'

/** kernelswap.toml(5), from the schema that checks the files. */
export function configurationPage(version: string): string {
  const keys = configurationKeys()
  const tables = [...new Set(keys.map(({ table }) => table))]
  return [
    pageHead('kernelswap.toml', 5, 'configuration of kernelswap', version),
    section(
      'SYNOPSIS',
      ...['/usr/lib', '/etc', '/run'].flatMap((root) => [
        literal(`${root}/kernelswap/config.d/*.toml`),
        '.br',
      ]),
    ),
    section(
      'DESCRIPTION',
      ...[
        'Files are in TOML and read in the order of their names, whatever directory they lie in. A file hides those of its name in the directories named before its own; a link to /dev/null hides them altogether. Of two values for one key the later file’s counts; tables come together.',
        'Files and their directories must belong to root and be writable by nobody else: what they name runs as root. A key that is not listed here, or a value of another type, is refused with file, line and what was expected.',
        '“kernelswap config show” prints the merged configuration with the origin of each value, “kernelswap config check” looks for mistakes. A swap keeps to the settings that it was planned with.',
      ].flatMap((paragraph) => ['.PP', roff(paragraph)]),
    ),
    ...tables.map((table) =>
      section(
        table ?? 'KEYS',
        ...keys
          .filter((key) => key.table === table)
          .map(({ name, description, type, default: known }) =>
            tagged(
              bold(name),
              `${description[0]!.toUpperCase()}${description.slice(1)}.`,
              `(${type}${known === undefined ? '' : `; default ${known}`})`,
            ),
          ),
      ),
    ),
    section('SEE ALSO', ['kernelswap(8)', 'kernelswap-hooks(7)'].map(literal).join(', ')),
    '',
  ].join('\n')
}
