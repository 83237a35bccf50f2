/**
 * The written values of configuration files: durations, sizes, addresses, names of hosts.
 *
 * Invariant: a reader takes one spelling and says what is wrong with every other; it never guesses
 * a unit, a port or a protocol.
 */
import {
  formatNetwork,
  mask,
  type Network,
  parseAddress,
  parseLooseNetwork,
  parseNetwork,
} from '../../address.ts'

/** A value, or one sentence about what is wrong with its text. */
export type Reading<Value> = { readonly value: Value } | { readonly wrong: string }

/** A host and a port; `host` has no brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

const millisecondsOf = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const bytesOf = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
} as const

/** `90s`, `500ms`, `7d`: a whole number and its unit, in milliseconds. */
export function readDuration(text: string): Reading<number> {
  return readQuantity(text, millisecondsOf, '90s')
}

/** `64KiB`, `10MB`: a whole number and its unit, in bytes. */
export function readSize(text: string): Reading<number> {
  return readQuantity(text, bytesOf, '64KiB')
}

/** The milliseconds as a duration: `90s`. */
export function formatDuration(milliseconds: number): string {
  return formatQuantity(milliseconds, millisecondsOf)
}

/** The bytes as a size: `64KiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 })
}

/** `10.0.0.5:389`, `[::1]:443`, `ldap.plant.internal:389`: a host and a port from `portMin` on. */
export function readHostPort(text: string, portMin = 1): Reading<HostPort> {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/s.exec(text) ?? []
  if (host === '') return { wrong: `"${text}" is not written as host:port` }
  if (Number(port) > 65_535 || Number(port) < portMin || (port !== '0' && port.startsWith('0'))) {
    return { wrong: `port ${port} is not one of ${portMin} to 65535` }
  }
  const read = readHost(host)
  return 'wrong' in read ? read : { value: { host: read.value, port: Number(port) } }
}

/** A place to listen on: one of this machine's addresses or `localhost`. Port 0 is any free one. */
export function readListenAddress(text: string): Reading<HostPort> {
  const read = readHostPort(text, 0)
  if ('wrong' in read) return read
  const { host } = read.value
  if (host === 'localhost' || parseAddress(host) !== undefined) return read
  return { wrong: `listen on an address of this machine, such as 0.0.0.0, not on "${host}"` }
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. */
export function readNetwork(text: string): Reading<Network> {
  const value = parseNetwork(text)
  return value === undefined ? { wrong: objectionToNetwork(text) } : { value }
}

/** What is wrong with a text that `parseNetwork` does not take. */
export function objectionToNetwork(text: string): string {
  const loose = parseLooseNetwork(text)
  if (loose === undefined) return `"${text}" is not a network such as 10.0.0.0/8 or fd00::/8`
  return `"${text}" has bits behind its prefix; did you mean "${formatNetwork(mask(loose))}"?`
}

/**
 * True for a DNS name of letters, digits, `-` and `_` in labels of 63. One whose last label is a
 * number is refused, for systems read `127.1` and `0x7f.1` as addresses.
 */
export function isHostName(text: string): boolean {
  if (text.length > 253) return false
  const labels = text.split('.')
  const last = labels.at(-1) ?? ''
  if (/^(?:\d+|0x[0-9a-f]*)$/i.test(last)) return false
  return labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
}

function readHost(text: string): Reading<string> {
  if (text.startsWith('[') && text.endsWith(']')) {
    const inside = text.slice(1, -1)
    const isIpv6 = inside.includes(':') && parseAddress(inside) !== undefined
    return isIpv6 ? { value: inside } : { wrong: `"${inside}" is not an IPv6 address` }
  }
  if (text.includes(':')) {
    const isIpv6 = parseAddress(text) !== undefined
    if (isIpv6) return { wrong: `an IPv6 address before a port wants brackets: "[${text}]:…"` }
  } else if (isHostName(text) || parseAddress(text) !== undefined) {
    return { value: text }
  }
  return { wrong: `"${text}" is neither an address nor the name of a host` }
}

type Units = Readonly<Record<string, number>>

function readQuantity(text: string, units: Units, example: string): Reading<number> {
  const [, digits = '', unit = ''] = /^(\d{1,15})([A-Za-z]*)$/.exec(text) ?? []
  const names = Object.keys(units).join(', ')
  if (digits === '')
    return { wrong: `"${text}" is not a whole number with a unit, as in ${example}` }
  if (unit === '') return { wrong: `${digits} has no unit: write ${digits} and one of ${names}` }
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  if (factor === undefined) return { wrong: `"${unit}" is not a unit; there are ${names}` }
  const value = Number(digits) * factor
  return Number.isSafeInteger(value) ? { value } : { wrong: `${text} is too much to count` }
}

function formatQuantity(value: number, units: Units): string {
  const isFitting = (factor: number): boolean =>
    factor === 1 || (value >= factor && value % factor === 0)
  const fitting = Object.entries(units).filter(([, factor]) => isFitting(factor))
  const [unit, factor] = fitting.at(-1) ?? ['', 1]
  return `${value / factor}${unit}`
}
