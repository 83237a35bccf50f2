/**
 * Connections that have not said who they are: few in all, few from one source, and briefly.
 *
 * Invariant: a pending connection is counted exactly once, from its arrival until it has sent its
 * request or is gone. Who comes when the places are taken goes, as with OpenSSH's MaxStartups: the
 * earlier ones may be about to prove themselves.
 */
import type { Socket } from 'node:net'
import { formatNetwork, mask, parseAddress } from '../../shared/address.ts'
import type { Log } from '../../shared/io/log.ts'

/** How many may be pending, and how long. */
export interface PendingLimits {
  /** Connections in all; stops a flood of half-made handshakes. */
  readonly pendingHandshakesMax: number
  /** Connections of one source; stops one attacker from taking every place. */
  readonly pendingPerSourceMax: number
  /** From the TCP connection to the last header; stops those who say nothing, or say it slowly. */
  readonly handshakeTimeoutMs: number
}

/** What happened to pending connections since the last look. */
export interface PendingCounts {
  readonly shed: number
  readonly timedOut: number
  /** The source of the last one that was shed or timed out. */
  readonly lastSource: string
}

/** How many are pending, and what happened to others so far. */
export interface PendingTotals {
  readonly pending: number
  readonly shed: number
  readonly timedOut: number
}

interface Pending {
  readonly source: string
  readonly deadline: NodeJS.Timeout
}

/** The pending connections of one server. */
export class PendingConnections {
  readonly #limits: PendingLimits
  readonly #pending = new Map<string, Pending>()
  readonly #perSource = new Map<string, number>()
  #shed = 0
  #timedOut = 0
  #told = { shed: 0, timedOut: 0 }
  #lastSource = ''

  constructor(limits: PendingLimits) {
    this.#limits = limits
  }

  /** How many are pending now. */
  get size(): number {
    return this.#pending.size
  }

  /** Counts a TCP connection that has just arrived, or destroys it when there is no place. */
  arrive(socket: Socket): void {
    if (socket.remoteAddress === undefined) {
      // It has gone already, and nobody could tell it from the next one that has.
      socket.destroy()
      return
    }
    const source = sourceOf(socket.remoteAddress)
    const ofSource = this.#perSource.get(source) ?? 0
    const { pendingHandshakesMax, pendingPerSourceMax, handshakeTimeoutMs } = this.#limits
    if (this.size >= pendingHandshakesMax || ofSource >= pendingPerSourceMax) {
      this.shed(source)
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    const deadline = setTimeout(() => {
      this.#timedOut += 1
      this.#lastSource = source
      socket.destroy()
    }, handshakeTimeoutMs)
    this.#pending.set(name, { source, deadline })
    this.#perSource.set(source, ofSource + 1)
    socket.once('close', () => this.#leave(name))
  }

  /** Counts a connection of this source that found no place. */
  shed(source: string): void {
    this.#shed += 1
    this.#lastSource = source
  }

  /** The connection has sent its request: from here on other limits hold. */
  settle(socket: Socket): void {
    this.#leave(nameOf(socket))
  }

  /** What happened since this was called last, or undefined when nothing did. */
  takeCounts(): PendingCounts | undefined {
    const { shed, timedOut } = this.#told
    this.#told = { shed: this.#shed, timedOut: this.#timedOut }
    const counts = { shed: this.#shed - shed, timedOut: this.#timedOut - timedOut }
    if (counts.shed + counts.timedOut === 0) return undefined
    return { ...counts, lastSource: this.#lastSource }
  }

  /** Logs the same, when something did. */
  tell(log: Log): void {
    const counts = this.takeCounts()
    if (counts === undefined) return
    log.warn('connections went before they said who they are', { ...counts })
  }

  get totals(): PendingTotals {
    return { pending: this.size, shed: this.#shed, timedOut: this.#timedOut }
  }

  #leave(name: string): void {
    const pending = this.#pending.get(name)
    if (pending === undefined) return
    clearTimeout(pending.deadline)
    this.#pending.delete(name)
    const left = (this.#perSource.get(pending.source) ?? 1) - 1
    if (left === 0) this.#perSource.delete(pending.source)
    else this.#perSource.set(pending.source, left)
  }
}

/** What one attacker has at least: an IPv4 address, or an IPv6 network of 64 bits. */
export function sourceOf(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  return formatNetwork(mask({ ...parsed, prefixBits: parsed.family === 4 ? 32 : 64 }))
}

/** The connection's name, the same for the TCP socket and for the TLS socket upon it. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
