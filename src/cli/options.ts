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
