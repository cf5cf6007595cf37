import { afterEach, expect, test } from 'vitest'
import { inspectWorkloads, startWorkloads } from '../../../src/workload/kinds.ts'
import { type Programs, standIns, systemctlShowing } from '../programs.ts'

let programs: Programs
afterEach(() => programs.remove())

/** systemctl that shows a unit with such lines, and starts whatever it is told to. */
function systemctl(...lines: string[]): void {
  programs = standIns({ systemctl: `[ "$1" = show ] || exit 0\n${systemctlShowing(...lines)}` })
}

const starts = () => programs.started().filter((line) => !line.includes(' show '))

/** The socket was held back while the service was to be restored; cold, it counts on being handed its listener. */
test.each([
  ['enabled', 'systemctl start -- app.socket app.service'],
  ['disabled', 'systemctl start -- app.service'],
])('a service starts cold with a socket of its own that is %s', async (state, started) => {
  systemctl('TriggeredBy=app.socket app.timer', `UnitFileState=${state}`)
  await startWorkloads(['app.service'])
  expect(starts()).toEqual([started])
})

test('nothing to start is nothing started', async () => {
  systemctl()
  await startWorkloads([])
  expect(programs.started()).toEqual([])
})

test('what is of no kind that can be carried is refused by name', async () => {
  systemctl()
  await expect(inspectWorkloads(['home.mount'])).rejects.toThrow('home.mount is nothing that can be carried')
})
