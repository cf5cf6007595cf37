import type { Command, Option } from 'commander'

/** The names that lead to a command, the program's own left out. */
export function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

/**
 * A command line that says the same as the one that a command was called by, its globals left out.
 * @param kept which of the options to say again
 * @param more options to say beside them
 * @param path another command, which knows them as well
 */
export function wordsOf(
  command: Command,
  kept: (option: Option) => boolean = () => true,
  more: readonly string[] = [],
  path: readonly string[] = pathOf(command),
): string[] {
  const options = command.options.filter(kept).flatMap((option) => optionWords(command, option))
  // What is behind `--` is no option.
  const args = command.args.length > 0 ? ['--', ...command.args] : []
  return [...path, ...more, ...options, ...args]
}

/** As it was given. What follows `=` is a value, whatever it begins with. */
function optionWords(command: Command, option: Option): string[] {
  const name = option.attributeName()
  if (command.getOptionValueSource(name) !== 'cli') return []
  const value: unknown = command.getOptionValue(name)
  if (option.required || option.optional) return [value].flat().map((each) => `${option.long}=${each}`)
  return value === !option.negate ? [option.long!] : []
}
