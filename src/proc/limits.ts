/**
 * Parses /proc/PID/limits: resource → `soft hard`, each a number or `unlimited`. getrlimit(2).
 */
export function parseLimits(text: string): Readonly<Record<string, string>> {
  const limits: Record<string, string> = {}
  for (const line of text.split('\n').slice(1)) {
    const match = /^(Max .+?) {2,}(\S+) +(\S+)/.exec(line)
    if (match) limits[match[1] ?? ''] = `${match[2]} ${match[3]}`
  }
  return limits
}
