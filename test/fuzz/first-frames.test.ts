/** R2: frames cut away, put in or swapped at the start of a carrier never pass unnoticed. */
import test, { type ExecutionContext } from 'ava'
import { encode, type FrameKind } from '../../shared/protocol/frame.ts'
import { samples } from '../support/frames.ts'
import { Pair, type Tamper, type Way } from '../support/pair.ts'

const total = 8_000
const framesTried = 8
const longMs = 5 * 60_000

/** A stream over one cut: the second attach is a resumption. */
function run(tamper: Tamper): Pair {
  const pair = new Pair(total, tamper)
  pair.settle()
  pair.open()
  pair.settle(6)
  pair.cut(pair.plant)
  pair.settle(2)
  pair.cut(pair.crm)
  pair.advance(longMs)
  return pair
}

/** Nothing is left, and whoever ended well has read all that the other wrote. */
function check(t: ExecutionContext, pair: Pair, what: string): void {
  t.true(pair.quiet, `${what}: something is left`)
  for (const application of pair.applications) {
    t.is(application.wrong, 0, `${what}: wrong bytes`)
    t.not(application.outcome, undefined, `${what}: a socket was not told`)
  }
  const [opener, target] = pair.applications
  if (opener?.outcome !== 'end' || target?.outcome !== 'end') return
  t.is(target.read, total, `${what}: cut short on the way in`)
  t.is(opener.read, total, `${what}: cut short on the way back`)
}

test('without anybody in between, all of it comes, over both cuts', (t) => {
  const pair = run((_, bytes) => [bytes])
  check(t, pair, 'honest')
  t.deepEqual(
    pair.applications.map(({ outcome }) => outcome),
    ['end', 'end'],
  )
  t.deepEqual(pair.cuts, ['carrier_lost', 'carrier_lost'])
  t.true(pair.agents.every(({ lone }) => lone.endpoint.stalls === 0))
})

for (const agent of ['crm-1', 'plant-1']) {
  for (const attach of [1, 2]) {
    for (const way of ['to relay', 'to agent'] as const) {
      const place = `${way} on carrier ${attach} of ${agent}`

      test(`R2: each of the first ${framesTried} frames ${place} is dropped`, (t) => {
        for (let at = 0; at < framesTried; at += 1) {
          const pair = run(onlyAt({ agent, attach, way, at }, () => []))
          check(t, pair, `drop ${at}`)
        }
      })

      test(`R2: each of the first ${framesTried} frames ${place} is swapped with the next`, (t) => {
        for (let at = 0; at < framesTried; at += 1) {
          let held: Uint8Array | undefined
          const pair = run((passing, bytes) => {
            const here = passing.agent === agent && passing.attach === attach
            if (!here || passing.way !== way) return [bytes]
            if (passing.index === at) {
              held = bytes.slice()
              return []
            }
            const swapped = passing.index === at + 1 && held !== undefined ? [bytes, held] : [bytes]
            return swapped
          })
          check(t, pair, `swap ${at}`)
        }
      })

      test(`R2: a frame of each kind is put in before each of them ${place}`, (t) => {
        for (let at = 0; at < framesTried; at += 1) {
          for (const kind of Object.keys(samples) as FrameKind[]) {
            const extra = encode(samples[kind])
            const pair = run(onlyAt({ agent, attach, way, at }, (bytes) => [extra.slice(), bytes]))
            if (!pair.quiet) endHeldUp(t, pair, kind)
            check(t, pair, `${kind} before ${at}`)
          }
        }
      })
    }
  }
}

/**
 * Whoever says in the name of an end that it took bytes which it never had holds that stream up,
 * for nobody keeps what was taken. It may not do more than that.
 */
function endHeldUp(t: ExecutionContext, pair: Pair, kind: FrameKind): void {
  t.true(['accept', 'credit', 'resume', 'close', 'open'].includes(kind), `${kind} holds up`)
  for (const { lone } of pair.agents) lone.endpoint.endAll('shutdown')
  pair.advance(longMs)
}

function onlyAt(
  place: {
    readonly agent: string
    readonly attach: number
    readonly way: Way
    readonly at: number
  },
  change: (bytes: Uint8Array) => readonly Uint8Array[],
): Tamper {
  return ({ agent, attach, way, index }, bytes) => {
    const here = agent === place.agent && attach === place.attach && way === place.way
    return here && index === place.at ? change(bytes) : [bytes]
  }
}
