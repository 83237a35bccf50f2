/**
 * The relay's pure core with a clock: the switch, and the endpoint of its own ingress beside it.
 *
 * Invariant: one mutation, then drain: whatever one of the two says to the other is passed on in
 * the same turn of the loop, until both are quiet.
 */
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers'
import { Alarm, monotonicNow } from '../shared/io/alarm.ts'
import { Budget } from '../shared/protocol/budget.ts'
import { Endpoint, type EndpointEnd } from '../shared/protocol/endpoint.ts'
import type { FaultCode } from '../shared/protocol/fault.ts'
import { isStreamFrame } from '../shared/protocol/frame.ts'
import { lanesMax } from '../shared/protocol/greeting.ts'
import type { EndpointPort } from '../shared/protocol/port.ts'
import type { Admission } from './admission.ts'
import type { RelayLimits } from './config.ts'
import type { SwitchNotice } from './switch/link.ts'
import type { SwitchPort } from './switch/port.ts'
import { Switch } from './switch/switch.ts'

/** What one direction of a stream may hold even when the budget is spent. */
export const guaranteedBytes = 16_384
/** An ingress has one port only: there is no other relay that a candidate could wait for. */
const candidateMs = 2_000

export interface CoreOptions {
  readonly limits: RelayLimits
  readonly admission: Admission
  readonly notice: (notice: SwitchNotice) => void
  readonly ended: (end: EndpointEnd, code: FaultCode) => void
}

export class Core {
  readonly switch: Switch
  readonly endpoint: Endpoint
  readonly budget: Budget
  readonly #port: SwitchPort
  readonly #beside: EndpointPort
  readonly #alarm: Alarm
  #scheduled = false

  constructor({ limits, admission, notice, ended }: CoreOptions) {
    const { streamsMax, relayWindowBytes: windowBytes, resumeWindowMs, livenessMs } = limits
    // A carrier that died without a word is counted at the gate until that is noticed.
    const carriersMax = Math.min(lanesMax, Math.max(1, Math.floor(limits.carriersMax / 2)))
    const life = randomBytes(8).toString('hex')
    this.budget = new Budget(limits.memoryBudgetBytes, guaranteedBytes)
    this.switch = new Switch({
      limits: { ...limits, carriersMax, streamsMax, windowBytes, resumeWindowMs, livenessMs },
      budget: this.budget,
      life,
      mintSession: () => randomBytes(8).toString('hex'),
      admission,
      notice: (told) => {
        // Whatever is worth telling may have set a new deadline.
        this.wake()
        notice(told)
      },
    })
    this.endpoint = new Endpoint({
      limits: {
        streamsMax: limits.connectionsMax,
        windowBytes,
        resumeWindowMs,
        openTimeoutMs: limits.openTimeoutMs,
        candidateMs,
      },
      budget: this.budget,
      identity: '',
      mintKey: () => randomBytes(16).toString('hex'),
      wake: this.wake,
      dial: (end) => end.refuse('unknown_service'),
      ended,
    })
    this.#port = this.switch.addLocalPort(this.wake)
    this.#beside = this.endpoint.addPort('switch', this.wake)
    const session = { session: life, life, resumed: false, routes: 0, resumeWindowMs }
    this.endpoint.portUp(this.#beside, session, monotonicNow())
    this.#alarm = new Alarm(
      () => Math.min(this.switch.deadline(), this.endpoint.deadline()),
      (now) => {
        this.switch.tick(now)
        this.endpoint.tick(now)
        this.#drain()
      },
    )
  }

  /** Something has changed: it is passed on once this turn of the loop is over. */
  wake = (): void => {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#drain)
  }

  end(): void {
    this.#alarm.end()
  }

  readonly #drain = (): void => {
    this.#scheduled = false
    const now = monotonicNow()
    for (;;) {
      const out = this.endpoint.pull(this.#beside, true)
      if (out !== undefined && isStreamFrame(out)) this.switch.receive(this.#port, out, now)
      const back = this.#port.pull(true)
      if (back !== undefined && isStreamFrame(back)) {
        this.endpoint.receive(this.#beside, back, now)
      }
      if (out === undefined && back === undefined) break
    }
    this.#alarm.set()
  }
}
