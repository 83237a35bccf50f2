/**
 * What must hold after every event, and what is looked at a few times a second.
 *
 * Invariant: the checker only looks. The numbers in front of its messages are those of the list in
 * docs/protocol.md, "What the simulation checks".
 */
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import { frameBytesMax } from '../../shared/protocol/frame.ts'
import { slabBytes } from '../../shared/protocol/pieces.ts'
import type { Socket } from './application.ts'
import { demand } from './demand.ts'
import { guaranteedBytes, type Relay } from './relay.ts'
import type { Stream } from './stream.ts'
import type { World } from './world.ts'

/** How often the waits, the ways and the debts are looked at. */
const lookEveryMs = 250
/** What a slab costs, with the object that holds it. */
const slabCharge = slabBytes + 300

export class Checker {
  readonly #world: World
  readonly #attachments = new WeakMap<EndpointEnd, number>()
  #lookAt = 0

  constructor(world: World) {
    this.#world = world
  }

  /** After every event. */
  step(): void {
    const { clock, duties, ledger, relays, streams, waits, ways } = this.#world
    for (const stream of streams) this.#checkStream(stream)
    for (const relay of relays) this.#checkRelay(relay)
    if (clock.now < this.#lookAt) return
    this.#lookAt = clock.now + lookEveryMs
    waits.look()
    ways.look()
    ledger.look()
    duties.look()
  }

  /** After the policy has changed: nothing that it forbids is led anywhere (check 12). */
  policyHolds(): void {
    for (const { admission, switch: theSwitch } of this.#world.relays) {
      for (const { admitted } of theSwitch.routes) {
        demand(admission.reconsider(admitted).admitted, '12: a forbidden stream is led on')
      }
    }
  }

  #checkStream(stream: Stream): void {
    const { openerEnd, acceptorEnd, opener, targets } = stream
    const { livingOpener, livingAcceptor } = stream
    if (livingOpener !== undefined) this.#checkEnd(livingOpener, stream)
    if (livingAcceptor !== undefined) this.#checkEnd(livingAcceptor, stream)
    if (openerEnd !== undefined && targets.length > 0 && !opener.died) {
      checkTaken(openerEnd, targets, stream)
    }
    if (acceptorEnd !== undefined && !stream.acceptorDied) {
      checkTaken(acceptorEnd, [opener], stream)
    }
  }

  #checkEnd(end: EndpointEnd, stream: Stream): void {
    const { send, receive } = end
    const sends = send.acked <= send.sent && send.sent <= send.reached && send.reached <= send.end
    const finBytes = receive.finCode === undefined ? 0 : 1
    const receives =
      receive.consumed <= receive.received && receive.received <= receive.limit + finBytes
    demand(sends && receives, '1: the cursors of an end are out of order', stream)
    const before = this.#attachments.get(end) ?? 0
    demand(end.attachmentNumber >= before, '5: the number of an attachment fell', stream)
    const hasMoved = before > 0 && end.attachmentNumber > before && end === stream.acceptorEnd
    if (hasMoved) this.#world.report.count('moved to another way')
    this.#attachments.set(end, end.attachmentNumber)
  }

  #checkRelay(relay: Relay): void {
    const { grants, options } = this.#world
    const { relayBudgetBytes, relayWindowBytes, windowBytes } = options
    const pieceMax = Math.min(frameBytesMax, Math.max(relayWindowBytes, windowBytes))
    // Beyond the budget each direction and each end still has its minimum, and one piece above it.
    const minimum = guaranteedBytes + slabCharge + pieceMax
    // What was under way when a carrier was cut is queued again, beside the window.
    const windowMax = 2 * (relayWindowBytes + windowBytes) + 4 * slabCharge
    const queueMax = Math.min(windowMax, relayBudgetBytes + minimum)
    const theSwitch = relay.switch
    for (const { opener, acceptor } of theSwitch.routes) {
      for (const { charged } of [opener.incoming, opener.outgoing]) {
        demand(charged <= queueMax, '6: the switch queues more than its window')
      }
      const isOver = opener.closeSeen !== undefined && acceptor?.closeSeen !== undefined
      demand(!isOver, '15: a route outlives the last words of its ends')
      grants.check(opener, theSwitch.sessionOf(opener.port))
      if (acceptor !== undefined) grants.check(acceptor, theSwitch.sessionOf(acceptor.port))
    }
    const holders = 2 * theSwitch.routes.size + relay.endpoint.ends.size
    demand(relay.budget.used <= relayBudgetBytes + holders * minimum, '6: over the budget')
  }
}

/**
 * Nothing is acknowledged that the far socket has not taken, but for a socket that was reset. Of
 * several that were dialled for one key it is the one that was fed.
 */
function checkTaken({ send }: EndpointEnd, fars: readonly Socket[], stream: Stream): void {
  const wasTaken = fars.some(({ didReset, farFinishTaken, outcome, taken }) => {
    return didReset || outcome !== undefined || send.acked <= taken + (farFinishTaken ? 1 : 0)
  })
  demand(wasTaken, () => `3: ${send.acked} is acknowledged and was not taken`, stream)
}
