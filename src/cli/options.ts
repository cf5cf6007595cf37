import { Option } from 'commander'

/** Of verbs that swap, or follow a swap. */
export function eventsOption(): Option {
  return new Option('--events', 'print what happens as JSON, a line for each event, as it happens')
    .default(false)
    .conflicts('json')
}

/** Collects a repeatable option. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

/** What `--end` says, wherever it is. */
export const endDescription =
  'let this end with the old kernel though something is lost by it, stopped in order (repeatable): a name as the plan shows it, or session, container, unknown'
