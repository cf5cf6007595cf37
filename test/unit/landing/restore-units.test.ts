import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, symlinkSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Sandbox } from './sandbox.ts'

let sandbox: Sandbox
let placeholder: ChildProcess

beforeEach(async () => {
  sandbox = new Sandbox()
  placeholder = spawn('sleep', ['600'])
  await once(placeholder, 'spawn')
  symlinkSync(sandbox.path('/swap'), sandbox.path('/etc/kernelswap/landing/swap'))
  sandbox.write('/manager/asked', '')
  sandbox.write('/manager/at-work', '')
  // A manager whose state is a file for each unit: `MAINPID STATE`. What a start makes of it the test says.
  sandbox.program(
    'systemctl',
    `manager=${sandbox.path('/manager')}`,
    'verb=$1',
    'echo "$*" >> "$manager/asked"',
    'while [ "$1" != -- ]; do shift; done; shift',
    'case $verb in',
    'start) mkdir "$manager/starting.$$"; ls -d "$manager"/starting.* | wc -l >> "$manager/at-work"',
    '  for unit; do . "$manager/on-start"; done; sleep 0.02; rmdir "$manager/starting.$$" ;;',
    'stop) for unit; do echo 0 inactive > "$manager/$unit"; done ;;',
    'show) [ ! -e "$manager/mute" ] || { rm "$manager/mute"; exit 1; }',
    '  for unit; do read -r pid state < "$manager/$unit"; printf "MainPID=%s\\nActiveState=%s\\n\\n" "$pid" "$state"; done ;;',
    'esac',
  )
})
afterEach(() => {
  placeholder.kill()
  sandbox.remove()
})

const main = '77'
const restored = `echo ${main} active > "$manager/$unit"`

/** Units that wait to be started, what a start does to each, and which of them are back afterwards. */
function landed(units: readonly string[], onStart: string): string[] {
  for (const unit of units) {
    sandbox.write(`/swap/workloads/${unit}/main-pid`, `${main}\n`)
    sandbox.write(`/manager/${unit}`, '0 inactive\n')
  }
  const mark = `echo ${placeholder.pid} > "${sandbox.path('/run/kernelswap/restored')}/$unit"`
  sandbox.write('/manager/on-start', onStart.replaceAll('RESTORED', mark))
  const { code, stderr } = sandbox.run('restore-units', { input: units.map((unit) => `${unit}\n`).join('') })
  expect(code, stderr).toBe(0)
  return sandbox.list('/run/kernelswap/landed')
}

const asked = (verb: string) =>
  sandbox
    .read('/manager/asked')
    .split('\n')
    .filter((line) => line.startsWith(`${verb} `))

test('units are back, started at once and asked about at once, and no placeholder stays', async () => {
  const units = ['a.service', String.raw`b@x-y\x2dz.service`]
  const gone = once(placeholder, 'exit')
  expect(landed(units, `RESTORED; ${restored}`)).toEqual(units)
  expect([asked('start').length, asked('show').length]).toEqual([1, 1])
  expect(await gone).toEqual([null, 'SIGKILL'])
})

test('nothing to restore is nothing to ask for', () => {
  expect(landed([], 'false')).toEqual([])
  expect(sandbox.read('/manager/asked')).toBe('')
})

/** Its tasks are held, and their checkpoint counts as long as nothing else is said: they can be restored again. */
describe('a unit that CRIU restored and systemd has lost', () => {
  const once = (first: string) =>
    `RESTORED; if [ -e "$manager/again" ]; then ${restored}; else : > "$manager/again"; ${first}; fi`

  test.each([
    ['it never heard of the main process', `echo ${process.pid} active > "$manager/$unit"`],
    ['it ended the unit', 'echo 0 failed > "$manager/$unit"'],
  ])('is restored once more: %s', (_, first) => {
    expect(landed(['a.service'], once(first))).toEqual(['a.service'])
    expect([asked('start').length, asked('stop').length]).toEqual([2, 1])
  })

  test('is not back if it is lost each time, and nothing of it is left running', () => {
    expect(
      landed(
        ['a.service', 'b.service'],
        `RESTORED; [ $unit = b.service ] && ${restored} || echo 9 active > "$manager/$unit"`,
      ),
    ).toEqual(['b.service'])
    expect(sandbox.read('/manager/a.service')).toBe('0 inactive\n')
    expect(existsSync(sandbox.path('/run/kernelswap/restored/a.service'))).toBe(false)
  })
})

test('a unit that could not be restored isn’t begun anew: it has tried twice itself', () => {
  expect(landed(['a.service'], 'echo 0 failed > "$manager/$unit"')).toEqual([])
  expect(asked('start')).toHaveLength(1)
})

test('a unit whose start was cut off is waited for', () => {
  const late = `RESTORED; [ -e "$manager/again" ] && ${restored} || echo ${main} activating > "$manager/$unit"; : > "$manager/again"`
  expect(landed(['a.service'], late)).toEqual(['a.service'])
  expect(asked('stop')).toEqual([])
})

test('a manager that gives no answer is asked again', () => {
  sandbox.write('/manager/mute', '')
  expect(landed(['a.service'], `RESTORED; ${restored}`)).toEqual(['a.service'])
})

/** A hundred CRIUs at once leave PID 1 no processor to hear of them with. */
test('of many units only some are restored at a time', () => {
  const units = Array.from({ length: 40 }, (_, index) => `u${index}.service`)
  expect(landed(units, `RESTORED; ${restored}`)).toEqual(units.toSorted())
  const atWork = sandbox.read('/manager/at-work').trim().split('\n').map(Number)
  expect(Math.max(...atWork)).toBeGreaterThan(1)
  expect(Math.max(...atWork)).toBeLessThanOrEqual(40 / 2)
  expect(asked('start')).toHaveLength(40)
  expect(asked('show')).toHaveLength(1)
})
