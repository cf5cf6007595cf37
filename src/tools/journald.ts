import { run } from '../host/local.ts'
import { printable } from '../printer.ts'

/** Fields of a message in systemd's journal, such as MESSAGE (systemd.journal-fields(7)); what is undefined stays out. */
export type Fields = Readonly<Record<string, string | undefined>>

/** Seconds that journald may take: what is told here must not hold up a swap. */
const journalSeconds = 5

/**
 * Writes one message to systemd's journal by its native protocol, which Node has no sockets for (logger(1)).
 * @throws ProgramError where there is no journald.
 */
export async function writeToJournal(fields: Fields): Promise<void> {
  await run('logger', ['--journald'], { input: journalText(fields), timeoutSeconds: journalSeconds })
}

/**
 * Fields as logger reads them: a line each, so that a value with several lines becomes one. What a terminal would act on is
 * shown: journalctl(1) tells only the size of a message with control characters.
 */
export function journalText(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${printable(value!.replace(/\s*\n\s*/g, ' '))}\n`)
    .join('')
}
