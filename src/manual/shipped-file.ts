import { configurationKeys } from './configuration-keys.ts'

/** The configuration file that the package brings: every key, commented out, so that it changes nothing. */
export function shippedFile(): string {
  const lines = [
    '# Configuration of kernelswap: kernelswap.toml(5). Every line shows a default, or an example where there is none.',
    '# Settings of your own may stand here or in other files of this directory; `kernelswap config show` merges them.',
  ]
  let table: string | undefined
  for (const key of configurationKeys()) {
    lines.push('')
    if (key.table !== table) lines.push(`#${key.table}`)
    table = key.table
    lines.push(`# ${key.description}`, `#${key.name} = ${key.example}`)
  }
  return `${lines.join('\n')}\n`
}
