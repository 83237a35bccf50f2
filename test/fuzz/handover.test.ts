/** R8: a carrier is cut again while streams resume on it, at each of its first messages. */
import test from 'ava'
import { Pair, type Way } from '../support/pair.ts'

const total = 8_000
const messagesTried = 12
const longMs = 5 * 60_000
/** What is no frame ends its carrier. */
const nothing = new Uint8Array(0)

for (const agent of ['crm-1', 'plant-1']) {
  for (const way of ['to relay', 'to agent'] as const satisfies readonly Way[]) {
    test(`R8: cut at each message ${way} of two resumptions of ${agent} in a row`, (t) => {
      for (let at = 0; at < messagesTried; at += 1) {
        let cuts = 0
        const pair = new Pair(total, (passing, bytes) => {
          const isResumption = passing.attach === 2 || passing.attach === 3
          const isHere = passing.agent === agent && passing.way === way && passing.index === at
          if (!isResumption || !isHere) return [bytes]
          cuts += 1
          return [nothing]
        })
        pair.settle()
        pair.open()
        pair.settle(6)
        pair.cut(agent === 'crm-1' ? pair.crm : pair.plant)
        pair.advance(longMs)
        const ends = pair.applications.map(({ outcome, read, wrong }) => ({ outcome, read, wrong }))
        const whole = { outcome: 'end', read: total, wrong: 0 } as const
        t.deepEqual(ends, [whole, whole], `message ${at}`)
        t.true(pair.quiet, `message ${at}: something is left`)
        t.true(cuts > 0, `message ${at}: nothing was cut`)
      }
    })
  }
}
