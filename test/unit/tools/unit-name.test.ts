import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { serviceName } from '../../../src/tools/unit-name.ts'

/** As systemctl takes them; what it does with each was tried with systemd 252. */
describe('the service that somebody means by', () => {
  test.each([
    ['a name', 'redis-server', 'redis-server.service'],
    ['its full name', 'redis-server.service', 'redis-server.service'],
    ['a name with a dot that begins no suffix', 'php8.4-fpm', 'php8.4-fpm.service'],
    ['a name that ends in what is no suffix', 'node.js', 'node.js.service'],
    ['an instance', 'redis-server@1', 'redis-server@1.service'],
    ['an instance with a dot', 'app@10.0.0.1', 'app@10.0.0.1.service'],
    ['an escaped name', 'a\\x2db@c\\x20d', 'a\\x2db@c\\x20d.service'],
    ['a suffix alone', '.service', '.service.service'],
    ['the longest name', 'a'.repeat(247), `${'a'.repeat(247)}.service`],
  ])('%s', (_, name, unit) => {
    expect(serviceName(name)).toBe(unit)
  })
})

describe('refused in a sentence', () => {
  test.each([
    ['nothing', '', /"" names no service/],
    ['another type', 'ssh.socket', /it is a socket, and services alone are carried/],
    ['a device', 'dev-sda.device', /it is a device/],
    ['a path', '/dev/sda', /a path means a mount or a device/],
    ['a way out', '../x', /a name has letters/],
    ['a pattern', 'redis*', /a name has letters/],
    ['an option', '--all=x', /a name has letters/],
    ['control characters', 'a\u001b]52;c;x\u0007', /^"a\\u001b/],
    ['a template', 'app@', /it is a template; name an instance, such as app@1\.service\.$/],
    ['an instance of nothing', '@1', /a name begins before its @/],
    ['more letters than a unit may have', 'a'.repeat(5000), /^.{255,300}: a name has at most 255 letters\.$/],
  ])('%s', (_, name, message) => {
    expect(() => serviceName(name)).toThrow(Failure)
    expect(() => serviceName(name)).toThrow(message)
  })
})
