/**
 * The agent's own decision: whether a service's target may be dialled at this very address.
 *
 * Invariant: the address is judged as a number, after the lookup, and `DialAllowed` carries that
 * address in its canonical spelling: what is dialled is what was judged. The relay has no part in
 * this decision, so a captured relay cannot widen it.
 */
import {
  type Address,
  contains,
  formatAddress,
  type Network,
  parseAddress,
  parseNetwork,
} from './address.ts'

/** Where a service lives, as its agent's file says. */
export interface Target {
  /** A name to look up, or one literal address. */
  readonly host: string
  readonly port: number
  /** The only networks in which the looked-up address may lie; the default is by the host. */
  readonly within?: readonly Network[]
}

/** The proof that the agent's file allows this address; dial `address` and no other. */
export interface DialAllowed {
  readonly allowed: true
  readonly address: string
  readonly family: 4 | 6
  readonly port: number
  readonly [decided]: true
}

/** Why an address must not be dialled: one sentence for the operator's log. */
export interface DialDenied {
  readonly allowed: false
  readonly reason: string
}

const decided: unique symbol = Symbol('decided')

/**
 * Whether `address`, which a lookup of `target.host` has given, may be dialled. Without `within`:
 * a literal host means itself, `localhost` means loopback, and another name means any address that
 * is not this machine's own, its link's, a group's, or an IPv4 address in disguise.
 */
export function decideTarget(target: Target, address: string): DialAllowed | DialDenied {
  const parsed = parseAddress(address)
  if (parsed === undefined) return denied('what the lookup gave is not an address')
  const reason = objection(target, parsed)
  if (reason !== undefined) return denied(`${target.host} is ${formatAddress(parsed)}: ${reason}`)
  return {
    allowed: true,
    address: formatAddress(parsed),
    family: parsed.family,
    port: target.port,
    [decided]: true,
  }
}

function objection({ host, within }: Target, address: Address): string | undefined {
  if (within !== undefined) {
    if (within.some((network) => contains(network, address))) return undefined
    return 'outside the networks of "within"'
  }
  const literal = parseAddress(host)
  if (literal !== undefined) {
    const isSame = literal.family === address.family && literal.bits === address.bits
    return isSame ? undefined : 'not the address in the file'
  }
  const range = specialRanges.find(({ networks }) => networks.some((one) => contains(one, address)))
  if (host.toLowerCase() === 'localhost') {
    return range === loopback ? undefined : 'localhost may only mean loopback'
  }
  return range && `${range.says}; only "within" can allow it`
}

interface Range {
  readonly says: string
  readonly networks: readonly Network[]
}

function range(says: string, ...texts: readonly string[]): Range {
  return {
    says,
    networks: texts.map((text) => {
      const network = parseNetwork(text)
      if (network === undefined) throw new TypeError(`not a network: ${text}`)
      return network
    }),
  }
}

const loopback = range('loopback', '127.0.0.0/8', '::1')

// Where DNS must never lead (IANA special-purpose registries). The last of them each hold an IPv4
// address that the system, a gateway or a tunnel may unwrap and dial; loopback comes first, because
// ::1 lies in ::/96 too. Metadata services answer on link-local addresses.
const specialRanges: readonly Range[] = [
  loopback,
  range('unspecified, which dials this machine', '0.0.0.0/8', '::'),
  range('link-local', '169.254.0.0/16', 'fe80::/10'),
  range('multicast or broadcast', '224.0.0.0/4', '255.255.255.255', 'ff00::/8'),
  range('an IPv4-compatible address', '::/96'),
  range('a translated IPv4 address', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48'),
  range('a tunnelled IPv4 address', '2001::/32', '2002::/16'),
]

function denied(reason: string): DialDenied {
  return { allowed: false, reason }
}
