import { describe, expect, test } from 'vitest'
import { accountsOf, missingAccounts } from '../../../../src/rehearsal/like/accounts.ts'

const passwd = [
  'root:x:0:0:root:/root:/bin/bash',
  'irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin',
  'toor:$6$hash:0:0::/root:/bin/sh',
  'ann:x:1000:1000:Ann:/home/ann:/bin/bash',
  'app:x:1500:1600::/srv/app:/usr/sbin/nologin',
  'Debian-exim:x:104:110::/var/spool/exim4:/usr/sbin/nologin',
  'odd line',
  'a b:x:50:50:::',
  '',
].join('\n')
const group = ['root:x:0:', 'irc:x:39:', 'ann:x:1000:', 'app:x:1600:', 'extra:x:1700:app', ''].join('\n')

test("the system's accounts are copied and those that units name, without passwords, root and people", () => {
  expect(accountsOf(passwd, group, ['app', '1700']).accounts).toEqual({
    users: [
      'irc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin',
      'app:*:1500:1600::/srv/app:/usr/sbin/nologin',
      'Debian-exim:*:104:110::/var/spool/exim4:/usr/sbin/nologin',
    ],
    groups: ['irc:*:39:', 'app:*:1600:', 'extra:*:1700:app'],
  })
})

test('an account with an odd name is left out, and told of', () => {
  expect(accountsOf(passwd, group, []).notes).toEqual(['account "a b" is not copied: its name is odd'])
})

describe('to a machine is added', () => {
  const present = { passwd: 'irc:x:40:40:::\nann:x:1000:1000:::\n', group: 'irc:x:40:\nann:x:1000:\n' }
  const added = (users: readonly string[], groups: readonly string[]) =>
    missingAccounts({ users: [...users], groups: [...groups] }, present)

  test('no account that it has, whatever its number', () => {
    expect(added(['irc:*:39:39:::'], ['irc:*:39:', 'app:*:1600:'])).toEqual({
      ...{ users: [], groups: ['app:*:1600:'] },
    })
  })

  test('one whose number is taken under a free one, which none of the others has', () => {
    const groups = ['mail:*:40:', 'other:*:1000:', 'next:*:1001:', 'low:*:999:']
    expect(added([], groups).groups).toEqual(['mail:*:998:', 'other:*:1002:', 'next:*:1001:', 'low:*:999:'])
  })

  test('a user in the same group as before, by name', () => {
    const users = ['mail:*:8:40:::', 'bot:*:50:39:::', 'sync:*:4:0:::']
    expect(added(users, ['mail:*:40:', 'irc:*:39:']).users).toEqual([
      ...['mail:*:8:999:::', 'bot:*:50:40:::', 'sync:*:4:0:::'],
    ])
  })
})
