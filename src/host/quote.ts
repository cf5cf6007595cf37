/** One command line that a POSIX shell takes apart into exactly these words. */
export function shellCommand(words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

function quoted(word: string): string {
  if (word.includes('\0')) throw new RangeError('an argument holds a NUL byte, which no program can be given')
  return /^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
