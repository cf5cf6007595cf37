/** Deeper than anybody means, and far from where those who follow a value into its depth run out of stack. */
const depthLimit = 100

/**
 * Parses JSON that others wrote. JSON.parse itself takes any depth, and almost nothing that works with the value does.
 * @throws SyntaxError for what is no JSON, or is nested deeper than 100 levels.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthLimit) throw new SyntaxError(`it is nested deeper than ${depthLimit} levels`)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return value
}
