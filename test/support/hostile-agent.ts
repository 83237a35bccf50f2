/**
 * A hostile agent: it has a real certificate and comes in by the door, and says what a test wants.
 *
 * Invariant: it keeps no rule of the protocol but those that a test makes it keep.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { WebSocket } from 'ws'
import { authorityPaths, pairPaths } from '../../certs/store.ts'
import {
  type FrameOf,
  noSession,
  protocolVersion,
  subprotocol,
} from '../../shared/protocol/frame.ts'
import { FrameSocket } from './frame-socket.ts'
import type { Tunnel } from './tunnel.ts'
import { within } from './within.ts'

let attempts = 0

/** A HELLO that no relay has a reason to refuse, but for what the test changes. */
export function helloFrame(change: Partial<FrameOf<'hello'>> = {}): FrameOf<'hello'> {
  attempts += 1
  return {
    kind: 'hello',
    version: protocolVersion,
    epoch: '6d616c6c6f727921',
    session: noSession,
    attempt: attempts,
    alive: [],
    attributes: [],
    ...change,
  }
}

let keys = 0

/** An OPEN by the agent `mallory` of a stream that it may have, but for what the test changes. */
export function openFrame(change: Partial<FrameOf<'open'>> = {}): FrameOf<'open'> {
  keys += 1
  return {
    kind: 'open',
    id: 2,
    key: keys.toString(16).padStart(32, '0'),
    attachment: 1,
    established: false,
    received: 0,
    consumed: 0,
    limit: 262_144,
    to: 'plant-1/any',
    from: 'agent/mallory',
    attributes: [],
    ...change,
  }
}

/** The relay that it comes to, and the authority that has certified it. */
export type Door = Pick<Tunnel, 'store' | 'listenPort'>

/** One carrier of a hostile agent. */
export class HostileAgent extends FrameSocket {
  /** Opens a carrier with the certificate of this agent; nothing is said on it yet. */
  static async connect(tunnel: Door, name: string): Promise<HostileAgent> {
    const { certificateFile, keyFile } = pairPaths(tunnel.store, 'agent', name)
    const ws = new WebSocket(`wss://127.0.0.1:${tunnel.listenPort}/sallyport`, subprotocol, {
      ca: await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8'),
      cert: await readFile(certificateFile, 'utf8'),
      key: await readFile(keyFile, 'utf8'),
      perMessageDeflate: false,
    })
    const agent = new HostileAgent(ws)
    await within('carrier', once(ws, 'open'))
    return agent
  }

  /** The same, after a good HELLO that was answered. */
  static async greeted(tunnel: Door, name: string): Promise<HostileAgent> {
    const agent = await HostileAgent.connect(tunnel, name)
    agent.send(helloFrame())
    await agent.take('welcome')
    return agent
  }
}
