/**
 * IP addresses and networks as numbers, read from their one strict spelling each.
 *
 * Invariant: two addresses are equal exactly when their family and bits are; no text is ever
 * compared. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the IPv4 address inside it, so
 * `::ffff:10.0.0.1` and `10.0.0.1` are the same value and no IPv6 network contains either.
 */

/** One address: 32 bits of IPv4 or 128 bits of IPv6 that are not IPv4-mapped. */
export interface Address {
  readonly family: 4 | 6
  readonly bits: bigint
}

/** All addresses of one family that share their first `prefixBits` bits; the others are 0 here. */
export interface Network extends Address {
  readonly prefixBits: number
}

/**
 * The address in this text, or undefined. IPv4 is four decimal numbers without leading zeros; IPv6
 * is RFC 4291, 2.2. Neither a zone (`fe80::1%eth0`) nor the older spellings that `inet_aton` takes
 * (`127.1`, `0x7f.1`, `017700000001`) are addresses.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return ipv4(parseQuad(text))
  const bits = parseGroups(text)
  if (bits === undefined) return undefined
  return bits >> 32n === mappedPrefix ? ipv4(bits & ipv4Mask) : { family: 6, bits }
}

/**
 * The network in `10.0.0.0/8`, `fd00::/8` or one bare address, or undefined. Bits behind the
 * prefix must be 0: `10.0.0.1/8` leaves open what was meant, and `parseLooseNetwork` can say it.
 */
export function parseNetwork(text: string): Network | undefined {
  const loose = parseLooseNetwork(text)
  return loose !== undefined && mask(loose).bits === loose.bits ? loose : undefined
}

/** As `parseNetwork`, with bits behind the prefix allowed and kept: for suggestions only. */
export function parseLooseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  if (slash === -1) {
    const address = parseAddress(text)
    return address && { ...address, prefixBits: width(address) }
  }
  const before = text.slice(0, slash)
  const address = parseAddress(before)
  const length = text.slice(slash + 1)
  if (address === undefined || !/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined
  // A mapped network counts its prefix in 128 bits; below 96 it would be more than IPv4.
  const mappedBits = address.family === 4 && before.includes(':') ? 96 : 0
  const prefixBits = Number(length) - mappedBits
  if (prefixBits < 0 || prefixBits > width(address)) return undefined
  return { ...address, prefixBits }
}

/** The network with the bits behind its prefix set to 0. */
export function mask(network: Network): Network {
  const behind = BigInt(width(network) - network.prefixBits)
  return { ...network, bits: (network.bits >> behind) << behind }
}

/** True when the address is of the network's family and shares its prefix. */
export function contains(network: Network, address: Address): boolean {
  return network.family === address.family && sharedBits(network, address) >= network.prefixBits
}

/** How many leading bits two addresses share; 0 when their families differ. */
export function sharedBits(one: Address, other: Address): number {
  if (one.family !== other.family) return 0
  const difference = one.bits ^ other.bits
  return width(one) - (difference === 0n ? 0 : difference.toString(2).length)
}

/** The address in its canonical spelling (RFC 5952). */
export function formatAddress({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.')
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => (bits >> shift) & 0xffffn)
  const text = groups.map((group) => group.toString(16)).join(':')
  const zeros = text.match(/\b0(?::0\b)+/g) ?? []
  const longest = zeros.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return text
  const at = text.search(new RegExp(`\\b${longest}\\b`))
  const head = text.slice(0, at).replace(/:$/, '')
  return `${head}::${text.slice(at + longest.length).replace(/^:/, '')}`
}

/** The network as address and prefix length; a single address stands alone. */
export function formatNetwork(network: Network): string {
  const address = formatAddress(network)
  return network.prefixBits === width(network) ? address : `${address}/${network.prefixBits}`
}

const mappedPrefix = 0xffffn
const ipv4Mask = 0xffff_ffffn

function width({ family }: Address): number {
  return family === 4 ? 32 : 128
}

function ipv4(bits: bigint | undefined): Address | undefined {
  return bits === undefined ? undefined : { family: 4, bits }
}

function parseQuad(text: string): bigint | undefined {
  const numbers = text.split('.')
  if (numbers.length !== 4) return undefined
  let bits = 0n
  for (const number of numbers) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(number) || Number(number) > 255) return undefined
    bits = (bits << 8n) | BigInt(number)
  }
  return bits
}

function parseGroups(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, index) => readGroups(half, index === halves.length - 1))
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? join(head) : undefined
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return join([...head, ...Array<bigint>(8 - head.length - tail.length).fill(0n), ...tail])
}

/** The 16-bit groups of one side of `::`; a dotted quad may stand for the last two of all. */
function readGroups(text: string, isLast: boolean): readonly bigint[] | undefined {
  if (text === '') return []
  const groups: bigint[] = []
  const words = text.split(':')
  for (const [index, word] of words.entries()) {
    if (isLast && index === words.length - 1 && word.includes('.')) {
      const quad = parseQuad(word)
      if (quad === undefined) return undefined
      groups.push(quad >> 16n, quad & 0xffffn)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(word)) {
      groups.push(BigInt(`0x${word}`))
    } else {
      return undefined
    }
  }
  return groups
}

function join(groups: readonly bigint[]): bigint {
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n)
}
