import { expect, test } from 'vitest'
import { takeGetReply } from '../../../../src/rehearsal/clients/memcached.ts'
import { countRows } from '../../../../src/rehearsal/clients/postgresql.ts'
import { takeIncrReply } from '../../../../src/rehearsal/clients/redis.ts'

test.each([
  [':12\r\n', { reply: 12, length: 5 }],
  [':1', null],
  [':1\r', null],
  ['-LOADING wait\r\n', { reply: '-LOADING wait', length: 15 }],
  [':1\r\n:2\r\n', { reply: 1, length: 4 }],
])('Redis answers %j', (received, taken) => {
  expect(takeIncrReply(received)).toEqual(taken)
})

test.each([
  ['VALUE k 0 3\r\nabc\r\nEND\r\n', { reply: 'abc', length: 23 }],
  ['VALUE k 0 5\r\na\r\nEN\r\nEND\r\n', { reply: 'a\r\nEN'.slice(0, 5), length: 25 }],
  ['VALUE k 0 3\r\nabc\r\nEN', null],
  ['VALUE k', null],
  ['END\r\n', { reply: null, length: 5 }],
])('memcached answers %j', (received, taken) => {
  expect(takeGetReply(received)).toEqual(taken)
})

test.each(['ERROR\r\n', 'SERVER_ERROR out of memory\r\n', 'VALUE k 0 1\r\nabc\r\nEND\r\n'])(
  'memcached answers nonsense: %j',
  (received) => {
    expect(() => takeGetReply(received)).toThrow('memcached')
  },
)

test.each([
  [[1, 2, 3], { lost: 0, doubled: 0, foreign: 0 }],
  [[3, 1], { lost: 1, doubled: 0, foreign: 0 }],
  [[1, 2, 2, 3, 3, 3], { lost: 0, doubled: 3, foreign: 0 }],
  [[1, 2, 3, 4, 0], { lost: 0, doubled: 0, foreign: 2 }],
])('rows %j, of which 1 to 3 were acknowledged', (numbers, count) => {
  expect(countRows(numbers, 3)).toEqual(count)
})
