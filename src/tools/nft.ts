import { run } from '../host/local.ts'

/** Loads a rule set in one transaction (nft(8), -f). */
export async function loadRules(rules: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: rules })
}

/** Deletes a table if it is there. */
export async function deleteTable(family: string, name: string): Promise<void> {
  // `destroy` would do it in one call, but needs Linux 6.3 (nft(8)).
  await run('nft', ['-f', '-'], { input: `table ${family} ${name}\ndelete table ${family} ${name}\n` })
}
