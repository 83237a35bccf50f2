/**
 * Where consumers come in: every kind of ingress opens its streams here.
 *
 * Invariant: a consumer costs nothing before its stream is admitted to be opened, and no more of
 * them are in than `connectionsMax`. Another kind of ingress is one more file beside this one.
 */

import { monotonicNow } from '../../shared/io/alarm.ts'
import { type Log, logFault } from '../../shared/io/log.ts'
import type { Endpoint, EndpointEnd } from '../../shared/protocol/endpoint.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { attributeTags } from '../../shared/protocol/frame.ts'
import type { Local } from '../../shared/protocol/stream.ts'
import type { Tally } from '../tally.ts'

/** Where a consumer's socket comes from. */
export interface Client {
  readonly address: string
  readonly port: number
}

/** A consumer that asks for a service. */
export interface Consumer {
  readonly service: string
  /** `client/crm` from a verified certificate, or `address/10.4.0.9`. */
  readonly from: string
  readonly client: Client
  readonly local: Local
}

const encoder = new TextEncoder()

export class Consumers {
  readonly connectionsMax: number
  readonly #endpoint: Endpoint
  readonly #log: Log
  readonly #tally: Tally
  #inside = 0

  constructor(endpoint: Endpoint, connectionsMax: number, log: Log, tally: Tally) {
    this.#endpoint = endpoint
    this.connectionsMax = connectionsMax
    this.#log = log
    this.#tally = tally
  }

  /** How many are in. */
  get inside(): number {
    return this.#inside
  }

  /** Opens the consumer's stream. Throws `overloaded` when too many are in. */
  enter({ service, from, client, local }: Consumer): EndpointEnd {
    if (this.#inside >= this.connectionsMax) {
      throw new Fault('overloaded', `${this.connectionsMax} consumers are in already.`)
    }
    const source = { tag: attributeTags.source, value: encoder.encode(client.address) }
    const options = { to: service, from, attributes: [source], local }
    const end = this.#endpoint.open(options, monotonicNow())
    this.#inside += 1
    return end
  }

  /** A consumer's stream is over. */
  left(): void {
    this.#inside -= 1
  }

  /** A consumer was refused before it had a stream. */
  turnedAway(service: string, client: Client, fault: Fault): void {
    this.#tally.refused('door', fault.code)
    logFault(this.#log, fault, {
      service,
      'client.address': client.address,
      'client.port': client.port,
    })
  }
}
