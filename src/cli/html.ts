import { stat } from 'node:fs/promises'
import { Option } from 'commander'
import { writeDurably } from '../durable.ts'
import { Failure, ifMissing, messageOf } from '../errors.ts'
import { type Beside, reportHtml } from '../report/html/page.ts'
import type { Report } from '../report/report.ts'

/** Of verbs that end with a report. */
export function htmlOption(): Option {
  return new Option(
    '--html <file>',
    'write the report to this file too, for a browser: one file that loads nothing',
  )
}

/**
 * Writes a report as HTML, whole or not at all. It tells of processes and files, so it is for its owner alone.
 * @throws Failure 'usage' where no file can be written there.
 */
export async function writeHtml(file: string, report: Report, beside: Beside = {}): Promise<void> {
  try {
    const there = await stat(file).catch(ifMissing(undefined))
    if (there && !there.isFile()) throw new Error('it is there, and no regular file')
    await writeDurably(file, reportHtml(report, beside))
  } catch (error) {
    throw new Failure('usage', `${file} could not be written: ${messageOf(error)}; name another file.`, {
      cause: error,
    })
  }
}
