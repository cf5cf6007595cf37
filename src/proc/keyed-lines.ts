/**
 * Reads lines of the form `Key:\tvalue`, as in /proc/PID/status and the head of /proc/PID/fdinfo/N.
 * A key that stands on several lines keeps its first value; lines without a colon are left out.
 */
export function parseKeyedLines(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0 && !values.has(line.slice(0, colon))) {
      values.set(line.slice(0, colon), line.slice(colon + 1).trim())
    }
  }
  return values
}
