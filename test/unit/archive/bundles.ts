import type { Writable } from 'node:stream'
import { type BundleIndex, beginBundle, contentsOf } from '../../../src/archive/bundle.ts'

/** Writes a bundle of files that lie where `locate` says, as if they had come over a connection. */
export async function writeBundle(
  index: BundleIndex,
  locate: (name: string) => string,
  sink: Writable,
): Promise<void> {
  const writer = await beginBundle(index, sink)
  for await (const piece of contentsOf(index, locate)) await writer.write(piece)
  await writer.finish()
}
