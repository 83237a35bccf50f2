/**
 * The agents that are in: each carrier with its driver, and what authority does to them.
 *
 * Invariant: whoever leaves takes what was his with him; a certificate that is revoked ends its
 * link, detached or not.
 */
import type { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'
import { identityName } from '../shared/identity.ts'
import { monotonicNow } from '../shared/io/alarm.ts'
import { wrapCarrier } from '../shared/io/carrier.ts'
import { Drive } from '../shared/io/drive.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import type { RelayConfig } from './config.ts'
import type { Core } from './core.ts'
import type { PeerIdentity } from './gate.ts'
import type { AgentStatus } from './status.ts'
import { AgentCarrier } from './switch/carrier.ts'
import type { RelayLink } from './switch/link.ts'
import type { Tally } from './tally.ts'

interface Present {
  readonly carrier: AgentCarrier
  readonly drive: Drive
  readonly peer: PeerIdentity
}

export class Agents {
  readonly #core: Core
  readonly #config: RelayConfig
  readonly #log: Log
  readonly #tally: Tally
  readonly #present = new Map<PeerIdentity, Present>()
  /** The certificate that each agent was last proved with: a detached one can be revoked too. */
  readonly #serialOfAgent = new Map<string, string>()

  constructor(core: Core, config: RelayConfig, log: Log, tally: Tally) {
    this.#core = core
    this.#config = config
    this.#log = log
    this.#tally = tally
  }

  /** A proved agent has a carrier. */
  welcome(peer: PeerIdentity, ws: WebSocket, socket: TLSSocket): void {
    const identity = identityName(peer.identity)
    const carrier = new AgentCarrier({
      switch: this.#core.switch,
      identity,
      livenessMs: this.#config.limits.livenessMs,
      now: monotonicNow(),
      wake: () => drive.wake(),
      end: (code) => drive.end(code),
    })
    const drive = new Drive(carrier, (fault) => {
      this.#present.delete(peer)
      carrier.lost(monotonicNow())
      this.#core.wake()
      this.#tally.carrierEnded(fault.code)
      const fields = { peer: identity, 'client.address': peer.address }
      logFault(this.#log, fault, fields, fault.code === 'carrier_lost' ? 'info' : 'warn')
    })
    this.#present.set(peer, { carrier, drive, peer })
    this.#serialOfAgent.set(identity, peer.serialNumber)
    drive.attach(wrapCarrier(ws, socket, drive))
  }

  /** The certificate of this peer is revoked: what it holds ends at once, detached or not. */
  expel({ identity }: PeerIdentity): void {
    this.#core.switch.expel(identityName(identity), 'revoked', monotonicNow())
  }

  expelRevoked(revoked: ReadonlySet<string>): void {
    for (const [identity, serial] of this.#serialOfAgent) {
      if (!revoked.has(serial)) continue
      this.#serialOfAgent.delete(identity)
      this.#core.switch.expel(identity, 'revoked', monotonicNow())
    }
  }

  /** The certificate of this peer is over: its carrier ends, and its streams wait for the next. */
  dismiss(peer: PeerIdentity): void {
    this.#present.get(peer)?.drive.end('certificate_expired')
  }

  status(): readonly AgentStatus[] {
    const byAgent = Map.groupBy(this.#core.switch.links, ({ identity }) => identity)
    const serving = new Map([...this.#present.values()].map((one) => [one.carrier.link, one]))
    return [...byAgent].map(([agent, links]) => {
      const present = links.flatMap((link) => serving.get(link) ?? [])
      return { agent, ...totalsOf(links), ...this.#pathOf(present) }
    })
  }

  /** What the carriers that serve an agent now tell of the path to it. */
  #pathOf(present: readonly Present[]): PathStatus {
    const now = monotonicNow()
    const [first, ...others] = present.map(({ carrier, peer }) => ({
      heardAgoMs: Math.round(now - carrier.heardAt),
      roundTripMs: carrier.roundTripMs ?? Number.POSITIVE_INFINITY,
      address: peer.address,
    }))
    if (first === undefined) return { state: 'away', carriers: 0 }
    const best = others.reduce((one, other) => {
      return other.heardAgoMs < one.heardAgoMs ? other : one
    }, first)
    const { heardAgoMs, address } = best
    const roundTripMs = Math.min(...[first, ...others].map((one) => one.roundTripMs))
    return {
      state: heardAgoMs < this.#config.limits.livenessMs ? 'up' : 'silent',
      carriers: present.length,
      heardAgoMs,
      ...(roundTripMs < Number.POSITIVE_INFINITY && {
        roundTripMs: Math.round(roundTripMs * 10) / 10,
      }),
      address,
    }
  }
}

type PathStatus = Pick<AgentStatus, 'state' | 'carriers' | 'heardAgoMs' | 'roundTripMs' | 'address'>

/** What all links of one agent have carried. */
function totalsOf(links: readonly RelayLink[]) {
  const sum = (of: (link: RelayLink) => number): number =>
    links.reduce((total, link) => total + of(link), 0)
  return {
    streams: sum(({ port }) => port.legs.size),
    cuts: sum(({ carriers }) => carriers - 1),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    services: [...new Set(links.flatMap(({ services }) => [...services]))],
  }
}
