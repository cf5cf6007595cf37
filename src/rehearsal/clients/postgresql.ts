import { randomUUID } from 'node:crypto'
import { type Conversation, WrongAnswer } from './client.ts'

const CONNECT_SECONDS = 60

/**
 * Inserts numbered rows into a temporary and a real table, through a prepared statement, inside one
 * transaction that is committed at the very end: none of these can be had again on another connection.
 */
export async function talkToPostgresql(host: string): Promise<Conversation> {
  // Only rehearsals wait for it to load.
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    ...{ host, user: 'postgres', database: 'postgres' },
    connectionTimeoutMillis: CONNECT_SECONDS * 1000,
  })
  let broken: Error | null = null
  client.on('error', (error) => {
    broken ??= error
  })
  await client.connect()
  const table = `kernelswap_rehearsal_${randomUUID().replaceAll('-', '')}`
  await client.query(opening(table))
  let acknowledged = 0
  let lost = 0
  let doubled = 0

  return {
    ask: async () => {
      if (broken) throw broken
      const number = acknowledged + 1
      await client.query(`INSERT INTO scratch VALUES (${number}); EXECUTE add(${number})`)
      acknowledged = number
    },
    conclude: async () => {
      await client.query('COMMIT')
      for (const name of ['scratch', table]) {
        const { rows } = await client.query<{ number: number }>(`SELECT number FROM ${name}`)
        const count = countRows(
          rows.map((row) => row.number),
          acknowledged,
        )
        lost += count.lost
        doubled += count.doubled
        if (count.foreign > 0)
          throw new WrongAnswer(`PostgreSQL holds ${count.foreign} rows that it never acknowledged`)
      }
    },
    close: () => void client.end().catch(() => {}),
    pauseSeconds: () => 0.2,
    get lost() {
      return lost
    },
    get doubled() {
      return doubled
    },
  }
}

function opening(table: string): string {
  return `CREATE TABLE ${table} (number integer);
    CREATE TEMPORARY TABLE scratch (number integer);
    PREPARE add(integer) AS INSERT INTO ${table} VALUES ($1);
    BEGIN`
}

/** Compares the rows of a table with the numbers 1 to `acknowledged`, each of which should be there once. */
export function countRows(numbers: readonly number[], acknowledged: number) {
  const known = numbers.filter((number) => number >= 1 && number <= acknowledged)
  const distinct = new Set(known).size
  return {
    lost: acknowledged - distinct,
    doubled: known.length - distinct,
    foreign: numbers.length - known.length,
  }
}
