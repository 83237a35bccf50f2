/**
 * A policy that is obviously right and as slow as it likes: the witness for shared/policy.ts.
 *
 * It shares no line with it: addresses become texts of 0 and 1 by way of the URL parser, and a
 * network is what those texts begin with.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { PolicyRequest, RuleText } from '../../shared/policy.ts'

/** Whether any rule allows the request. */
export function allowsSlowly(rules: readonly RuleText[], { from, to }: PolicyRequest): boolean {
  return rules.some(
    (rule) =>
      rule.to.includes(to) &&
      rule.from.some(
        (entry) =>
          entry === from.identity || (from.address !== undefined && holds(entry, from.address)),
      ),
  )
}

const mapped = `${'0'.repeat(80)}${'1'.repeat(16)}`

function holds(entry: string, address: string): boolean {
  const [base = '', length] = entry.split('/')
  const [network, bits] = [bitsOf(base), bitsOf(address)]
  if (network === undefined || bits === undefined) return false
  const counted = length === undefined ? 128 : Number(length) + (isIPv4(base) ? 96 : 0)
  // A network of IPv6 may be wide enough to hold all of IPv4; it is not meant to.
  if (counted < 96 && bits.startsWith(mapped)) return false
  return bits.startsWith(network.slice(0, counted))
}

/** 128 characters, an IPv4 address behind the prefix that maps it; undefined for no address. */
function bitsOf(text: string): string | undefined {
  if (isIPv4(text)) return mapped + digits(text.split('.').map(Number), 8)
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  const groups = [...left, ...zeros, ...right]
  return digits(
    groups.map((group) => Number.parseInt(group, 16)),
    16,
  )
}

function digits(numbers: readonly number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, '0')).join('')
}
