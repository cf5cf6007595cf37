import { Failure } from '../errors.ts'

/** A name with one of the suffixes that systemd knows (systemd.unit(5)), in its two parts. */
export const suffixed = /^(.+)\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/s

/** Letters of the longest name (UNIT_NAME_MAX without its NUL, systemd's src/basic/unit-def.h). */
const mostLetters = 255

/**
 * The service that somebody means by a name, as systemctl(1) takes it: what ends in no suffix that systemd knows gets
 * `.service`, so `php8.4-fpm` is `php8.4-fpm.service`.
 * @throws Failure 'usage' for what can be no service. systemctl would escape foreign letters, which finds nothing.
 */
export function serviceName(name: string): string {
  const unit = suffixed.test(name) ? name : `${name}.service`
  const complaint = complaintOfService(unit)
  if (complaint === undefined) return unit
  throw new Failure('usage', `${JSON.stringify(name.slice(0, mostLetters))} names no service: ${complaint}.`)
}

/** Why this isn't the full name of a service; undefined where it is. */
export function complaintOfService(unit: string): string | undefined {
  if (unit.startsWith('/')) return 'a path means a mount or a device'
  const [, stem = '', suffix] = suffixed.exec(unit) ?? []
  if (suffix === undefined) return `expected a name that ends in .service`
  if (suffix !== 'service') return `it is a ${suffix}, and services alone are carried`
  if (unit.length > mostLetters) return `a name has at most ${mostLetters} letters`
  if (!/^[\w:.\\@-]+$/.test(stem))
    return 'a name has letters, digits and :-_.\\@ alone; systemd-escape writes others'
  if (stem.startsWith('@')) return 'a name begins before its @'
  if (/^[^@]+@$/.test(stem)) return `it is a template; name an instance, such as ${stem}1.service`
  return undefined
}
