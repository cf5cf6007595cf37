import { openSwaps } from '../swap/store.ts'

/** Names the files of earlier swaps that are damaged: a verb that needs none of them goes on without. */
export async function sayDamaged(say: (line: string) => void): Promise<void> {
  for (const { damage } of (await openSwaps()).damaged) say(`left out: ${damage}`)
}
