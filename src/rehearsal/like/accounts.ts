import type { Likeness } from './likeness.ts'

/** Debian gives accounts of people numbers from here on (Debian policy, 9.2.2). */
const firstOfPeople = 1000

const userLine = /^([a-z_][a-z0-9_-]*\$?):[^:]*:(\d+):(\d+):[^:]*:[^:]*:[^:]*$/
const groupLine = /^([a-z_][a-z0-9_-]*\$?):[^:]*:(\d+):[^:]*$/

/**
 * The accounts that services run as, and own their files: the system's, and those that units name. No passwords, no
 * root, nobody else.
 * @param passwd text of /etc/passwd
 * @param group text of /etc/group
 * @param named users and groups, by name or number
 */
export function accountsOf(passwd: string, group: string, named: readonly string[]): Likeness['accounts'] {
  const isWanted = (name: string, id: string) =>
    Number(id) !== 0 && (Number(id) < firstOfPeople || named.includes(name) || named.includes(id))
  const users = passwd.split('\n').flatMap((line) => {
    const [, name, id, primary] = userLine.exec(line) ?? []
    return name !== undefined && isWanted(name, id!)
      ? [{ line: withoutPassword(line), primary: primary! }]
      : []
  })
  const groups = group.split('\n').flatMap((line) => {
    const [, name, id] = groupLine.exec(line) ?? []
    if (name === undefined) return []
    const isPrimary = Number(id) !== 0 && users.some(({ primary }) => primary === id)
    return isWanted(name, id!) || isPrimary ? [withoutPassword(line)] : []
  })
  return { users: users.map(({ line }) => line), groups }
}

function withoutPassword(line: string): string {
  return line.replace(/^([^:]*):[^:]*/, '$1:*')
}

/**
 * What is to be added to a machine's passwd(5) or group(5): lines whose name and number are both free there. What is
 * there already stays, so that its files keep their owners.
 */
export function missingAccounts(lines: readonly string[], present: string): string[] {
  const fields = present.split('\n').map((line) => line.split(':'))
  const names = new Set(fields.map(([name]) => name))
  const ids = new Set(fields.map(([, , id]) => id))
  return lines.filter((line) => {
    const [name, , id] = line.split(':')
    return !names.has(name) && !ids.has(id)
  })
}
