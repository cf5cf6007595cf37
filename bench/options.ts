import { parseArgs } from 'node:util'
import { Failure } from '../src/errors.ts'

/** What can be measured, in this order. */
export const FIGURES = ['floor', 'prediction', 'copy', 'swap', 'kexec', 'reboot'] as const
export type Figure = (typeof FIGURES)[number]

/** What is carried in one measurement. */
export interface Load {
  /** Mebibytes of data in each Redis. */
  readonly size: number
  /** How many of them there are. */
  readonly services: number
}

export interface Options {
  /** In wall time instead of counted instructions. */
  readonly wall: boolean
  readonly loads: readonly Load[]
  readonly figures: readonly Figure[]
}

export const usage = `npm run bench -- [--wall] [--size MEBIBYTES,...] [--services COUNT,...] [--figures ${FIGURES.join(',')}]`

/** @throws Failure 'usage' for what isn't an option or not its value. */
export function parseOptions(args: readonly string[]): Options {
  const { wall, size, services, figures } = parsed(args)
  return {
    wall,
    loads: loadsOf(numbers('--size', size), numbers('--services', services)),
    figures: figures.split(',').map(figureOf),
  }
}

function parsed(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        wall: { type: 'boolean', default: false },
        size: { type: 'string', default: '16' },
        services: { type: 'string', default: '1' },
        figures: { type: 'string', default: FIGURES.join(',') },
      },
    })
    return values
  } catch (error) {
    throw new Failure('usage', `${usage}\n${error instanceof Error ? error.message : error}`)
  }
}

function numbers(option: string, list: string): number[] {
  const values = list.split(',').map(Number)
  if (values.every((value) => Number.isInteger(value) && value > 0)) return values
  throw new Failure('usage', `${option} wants whole numbers above 0 with commas between, not ${list}.`)
}

function figureOf(name: string): Figure {
  const figure = FIGURES.find((known) => known === name)
  if (figure) return figure
  throw new Failure('usage', `--figures knows ${FIGURES.join(', ')}, not ${name}.`)
}

/** Every size with the first count of services, and every count with the first size: each tells one kind of growth. */
export function loadsOf(sizes: readonly number[], counts: readonly number[]): Load[] {
  const [size, services] = [sizes[0]!, counts[0]!]
  return [
    ...sizes.map((each) => ({ size: each, services })),
    ...counts.slice(1).map((each) => ({ size, services: each })),
  ]
}
