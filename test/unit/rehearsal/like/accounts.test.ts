import { expect, test } from 'vitest'
import { accountsOf, missingAccounts } from '../../../../src/rehearsal/like/accounts.ts'

const passwd = [
  'root:x:0:0:root:/root:/bin/bash',
  'irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin',
  'toor:$6$hash:0:0::/root:/bin/sh',
  'ann:x:1000:1000:Ann:/home/ann:/bin/bash',
  'app:x:1500:1600::/srv/app:/usr/sbin/nologin',
  'odd line',
  'a b:x:50:50:::',
  '',
].join('\n')
const group = ['root:x:0:', 'irc:x:39:', 'ann:x:1000:', 'app:x:1600:', 'extra:x:1700:app', ''].join('\n')

test("the system's accounts are copied and those that units name, without passwords, root and people", () => {
  expect(accountsOf(passwd, group, ['app', '1700'])).toEqual({
    users: ['irc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin', 'app:*:1500:1600::/srv/app:/usr/sbin/nologin'],
    groups: ['irc:*:39:', 'app:*:1600:', 'extra:*:1700:app'],
  })
})

test("a machine's own accounts stay as they are", () => {
  const lines = ['irc:*:39:', 'app:*:1600:', 'other:*:1000:']
  expect(missingAccounts(lines, 'irc:x:40:\nann:x:1000:\n')).toEqual(['app:*:1600:'])
})
