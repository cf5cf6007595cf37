import type * as z from 'zod'

/**
 * Reads a JSON document that a kernelswap elsewhere has printed.
 * @param whose of which host, for the message
 * @throws Error for something else.
 */
export function parseDocument<T>(schema: z.ZodType<T>, text: string, whose: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new Error(
      `What kernelswap on ${whose} prints is not what this one knows; install the same there.`,
      {
        cause: error,
      },
    )
  }
}
