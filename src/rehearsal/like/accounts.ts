import type { Likeness } from './likeness.ts'

/** Debian gives accounts of people numbers from here on (Debian policy, 9.2.2). */
const firstOfPeople = 1000

/** Numbers that packages' accounts get from, where theirs is taken. */
const lastOfSystem = 999

const userLine = /^([^:]+):[^:]*:(\d+):(\d+):[^:]*:[^:]*:[^:]*$/
const groupLine = /^([^:]+):[^:]*:(\d+):[^:]*$/
/** Debian has some with capitals (Debian-exim). */
const plainName = /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/

/** Accounts of a host, and what of them isn't copied. */
export interface Accounts extends Pick<Likeness, 'accounts' | 'notes'> {}

/**
 * The accounts that services run as, and own their files: the system's, and those that units name. No passwords, no
 * root, nobody else.
 * @param passwd text of /etc/passwd
 * @param group text of /etc/group
 * @param named users and groups, by name or number
 */
export function accountsOf(passwd: string, group: string, named: readonly string[]): Accounts {
  const isWanted = (name: string, id: string) =>
    Number(id) !== 0 && (Number(id) < firstOfPeople || named.includes(name) || named.includes(id))
  const users = passwd.split('\n').flatMap((line) => {
    const [, name, id, primary] = userLine.exec(line) ?? []
    return name !== undefined && isWanted(name, id!) ? [{ name, line, primary: primary! }] : []
  })
  const groups = group.split('\n').flatMap((line) => {
    const [, name, id] = groupLine.exec(line) ?? []
    if (name === undefined) return []
    const isPrimary = Number(id) !== 0 && users.some(({ primary }) => primary === id)
    return isWanted(name, id!) || isPrimary ? [{ name, line }] : []
  })
  const linesOf = (all: readonly { name: string; line: string }[]) =>
    all.filter(({ name }) => plainName.test(name)).map(({ line }) => withoutPassword(line))
  const odd = [...users, ...groups].map(({ name }) => name).filter((name) => !plainName.test(name))
  return {
    accounts: { users: linesOf(users), groups: linesOf(groups) },
    notes: [...new Set(odd)].map((name) => `account ${JSON.stringify(name)} is not copied: its name is odd`),
  }
}

function withoutPassword(line: string): string {
  return line.replace(/^([^:]*):[^:]*/, '$1:*')
}

/**
 * What is to be added to a machine's passwd(5) and group(5): lines whose name isn't there, with another number where
 * theirs is. What is there already stays, so that its files keep their owners.
 * @param present texts of the machine's two files
 */
export function missingAccounts(
  { users, groups }: Likeness['accounts'],
  present: { readonly passwd: string; readonly group: string },
): Likeness['accounts'] {
  const addedGroups = withFreeNumbers(groups, present.group)
  const numbers = new Map(fieldsOf([...present.group.split('\n'), ...addedGroups]).map(nameAndNumber))
  const groupNames = new Map(fieldsOf(groups).map(([name, , id]) => [id, name]))
  const addedUsers = withFreeNumbers(users, present.passwd).map((line) => {
    const [name, password, id, primary, ...rest] = line.split(':')
    return [name, password, id, numbers.get(groupNames.get(primary)) ?? primary, ...rest].join(':')
  })
  return { users: addedUsers, groups: addedGroups }
}

function withFreeNumbers(lines: readonly string[], present: string): string[] {
  const there = new Map(fieldsOf(present.split('\n')).map(nameAndNumber))
  const taken = new Set(there.values())
  // A number that another line brings along is not free either.
  const reserved = new Set([...taken, ...fieldsOf(lines).map(([, , id]) => id)])
  const missing = lines.filter((line) => !there.has(line.split(':')[0]))
  return missing.map((line) => {
    const [name, password, id, ...rest] = line.split(':')
    if (!taken.has(id)) return line
    const free = freeNumber(Number(id) < firstOfPeople, reserved)
    reserved.add(free)
    return [name, password, free, ...rest].join(':')
  })
}

function freeNumber(isSystems: boolean, taken: ReadonlySet<string | undefined>): string {
  let id = isSystems ? lastOfSystem : firstOfPeople
  while (taken.has(String(id))) id += isSystems ? -1 : 1
  return String(id)
}

function fieldsOf(lines: readonly string[]): (string | undefined)[][] {
  return lines.map((line) => line.split(':'))
}

function nameAndNumber([name, , id]: readonly (string | undefined)[]): [
  string | undefined,
  string | undefined,
] {
  return [name, id]
}
