import { afterEach, expect, test } from 'vitest'
import { logins, parseLogins, sessionIds } from '../../../src/tools/logind.ts'
import { type Programs, standIns } from '../programs.ts'

let programs: Programs | undefined
afterEach(() => programs?.remove())

test('sessions and what logind says of them', () => {
  expect(
    sessionIds(
      '      1    0 root -     1234 user    pts/0 no   -\n     c2 1000 ann  seat0 99 user tty1 no -\n\n',
    ),
  ).toEqual(['1', 'c2'])
  expect(
    parseLogins(
      'Name=root\nLeader=1234\nScope=session-1.scope\n\nName=ann\nLeader=99\nScope=session-c2.scope\n',
    ),
  ).toEqual([
    { user: 'root', scope: 'session-1.scope', leader: 1234 },
    { user: 'ann', scope: 'session-c2.scope', leader: 99 },
  ])
})

/** It decides what may end without a word: silence must not pass for nobody. */
test('a logind that does not answer is an error, and a login that ends in between is asked for no more', async () => {
  programs = standIns({ loginctl: 'echo no bus >&2; exit 1' })
  await expect(logins()).rejects.toThrow('no bus')
  programs.remove()
  programs = standIns({
    loginctl: `f=$(dirname "$0")/asked
[ "$1" = list-sessions ] && { [ -e $f ] && echo "2 0 ann" || printf '1 0 root\\n2 0 ann\\n'; exit 0; }
[ -e $f ] || { : > $f; echo "No session '1' known" >&2; exit 1; }
printf 'Name=ann\\nLeader=9\\nScope=session-2.scope\\n'`,
  })
  expect(await logins()).toEqual([{ user: 'ann', scope: 'session-2.scope', leader: 9 }])
})
