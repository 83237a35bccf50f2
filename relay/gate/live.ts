/**
 * The peers that are in, and the two ways in which their certificates can stop being good.
 *
 * Invariant: a peer whose certificate is revoked or over is told of once, and its socket is gone
 * `graceMs` later whatever its holder does: authority ends with the certificate, not with good
 * will.
 */
import type { Socket } from 'node:net'

/** What is needed to know of a peer. */
export interface CertifiedPeer {
  readonly serialNumber: string
  readonly notAfter: Date
}

/** How long the holder of a carrier has to say goodbye on it, in milliseconds. */
export const graceMs = 500

/** The peers of live sockets. */
export class LivePeers<Peer extends CertifiedPeer> {
  readonly #sockets = new Map<Peer, Socket>()

  /** Keeps the peer as long as its socket lives. */
  add(peer: Peer, socket: Socket): void {
    this.#sockets.set(peer, socket)
    socket.once('close', () => this.#sockets.delete(peer))
  }

  /** How many of the peers this is true of. */
  count(isMeant: (peer: Peer) => boolean): number {
    return [...this.#sockets.keys()].filter(isMeant).length
  }

  /** Ends those whose serial number is in the set; `tell` is called for each before its end. */
  endRevoked(revoked: ReadonlySet<string>, tell: (peer: Peer) => void): void {
    this.#end(({ serialNumber }) => revoked.has(serialNumber), tell)
  }

  /** Ends those whose certificate is over. The wall clock is asked: it may have been set. */
  endExpired(now: Date, tell: (peer: Peer) => void): void {
    this.#end(({ notAfter }) => notAfter <= now, tell)
  }

  #end(isOver: (peer: Peer) => boolean, tell: (peer: Peer) => void): void {
    for (const [peer, socket] of this.#sockets) {
      if (!isOver(peer)) continue
      this.#sockets.delete(peer)
      const destroy = setTimeout(() => socket.destroy(), graceMs)
      socket.once('close', () => clearTimeout(destroy))
      tell(peer)
    }
  }
}
