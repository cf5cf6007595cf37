import { expect, test } from 'vitest'
import { adoptionsOf } from '../../../src/workload/adopt.ts'
import { obstaclesOf } from '../../../src/workload/obstacles.ts'
import { file, hostNamespaces, service, serviceWith, surroundings, task } from './builders.ts'

const ownUsers = { ...hostNamespaces, user: 'user:[1]' }
const ownIpc = { ...hostNamespaces, ipc: 'ipc:[2]' }
const ring = [file(5, 'anon_inode:[io_uring]', { kind: 'other' })]
const systemV = ['/SYSV0112f5a1 (deleted)']

test.each([
  ['nothing where nothing is in the way', task(), []],
  ['the user namespace', task({ namespaces: ownUsers }), ['PrivateUsers=no']],
  ["System V memory in the host's namespace", task({ mapped: systemV }), ['PrivateIPC=yes']],
  ['nothing for System V memory of its own', task({ mapped: systemV, namespaces: ownIpc }), []],
  ['io_uring', task({ files: ring }), ['SystemCallFilter=~io_uring_setup:ENOSYS']],
  ['both', task({ mapped: systemV, namespaces: ownUsers }), ['PrivateUsers=no', 'PrivateIPC=yes']],
])('adopting changes %s', (_, process, settings) => {
  const found = adoptionsOf(service({ processes: [process] }), surroundings())
  expect(found.map(({ setting }) => setting)).toEqual(settings)
  for (const { givesUp } of found) expect(givesUp).not.toBe('')
})

/** With a list of what is allowed, systemd has one answer for all else; by default the program is killed. */
test.each([
  ['@system-service', '', true],
  ['@system-service', 'EPERM', false],
  ['~@debug', '', false],
])('no program is killed where it falls back: %s %s', (SystemCallFilter, SystemCallErrorNumber, isSet) => {
  const unit = serviceWith({ SystemCallFilter, SystemCallErrorNumber })
  const found = adoptionsOf({ ...unit, processes: [task({ files: ring })] }, surroundings())
  const settings = found.map(({ setting }) => setting)
  expect(settings.includes('SystemCallErrorNumber=ENOSYS')).toBe(isSet)
})

/** An obstacle whose remedy is to adopt must be one that adopting takes away. */
test('every obstacle that points to adopt is answered by a setting', () => {
  for (const process of [task({ namespaces: ownUsers }), task({ mapped: systemV }), task({ files: ring })]) {
    const found = service({ processes: [process] })
    const pointing = obstaclesOf(found, surroundings()).filter(({ remedy }) => remedy.includes('adopt'))
    expect(pointing).toHaveLength(1)
    expect(adoptionsOf(found, surroundings())).toHaveLength(1)
  }
})
