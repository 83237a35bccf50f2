/** Of devices that were given one id exactly one goes on, whatever the order of their messages. */
import test from 'ava'
import fc from 'fast-check'
import { type Claim, claimSchema, hearClaim } from '../../../demo/device/claim.ts'

test('who holds the id objects, to the one who asks', (t) => {
  const holder = { instance: 'm', holds: true }
  t.is(hearClaim(holder, { says: 'asks', instance: 'a' }), 'object')
  t.is(hearClaim(holder, { says: 'asks', instance: 'z' }), 'object')
  t.is(hearClaim(holder, { says: 'objects', instance: 'a', to: 'm' }), 'nothing')
})

test('who asks yields to an objection against himself, and to no other', (t) => {
  const asker = { instance: 'm', holds: false }
  t.is(hearClaim(asker, { says: 'objects', instance: 'a', to: 'm' }), 'yield')
  t.is(hearClaim(asker, { says: 'objects', instance: 'a', to: 'n' }), 'nothing')
})

test('nobody minds his own words, which MQTT 3.1.1 gives back to him', (t) => {
  for (const holds of [false, true]) {
    const own = { instance: 'm', holds }
    t.is(hearClaim(own, { says: 'asks', instance: 'm' }), 'nothing')
    t.is(hearClaim(own, { says: 'objects', instance: 'm', to: 'a' }), 'nothing')
  }
})

test('a message must have its parts', (t) => {
  t.true(claimSchema.safeParse({ says: 'asks', instance: 'a' }).success)
  const wrong = [{ says: 'asks' }, { says: 'objects', instance: 'a' }, { says: 'x', instance: 'a' }]
  for (const one of [...wrong, null, 'asks']) t.false(claimSchema.safeParse(one).success)
})

/** One device, and what the broker has for it, in order. */
class Competitor {
  readonly instance: string
  readonly inbox: Claim[] = []
  state: 'away' | 'subscribed' | 'asking' | 'holding' | 'gone' = 'away'

  constructor(instance: string) {
    this.instance = instance
  }

  get hasWork(): boolean {
    if (this.state === 'gone') return false
    return this.inbox.length > 0 || this.state === 'away' || this.state === 'subscribed'
  }

  /** Does the next thing; gives what it says to everybody. */
  next(): Claim | undefined {
    const heard = this.inbox.shift()
    if (heard !== undefined) return this.#hear(heard)
    if (this.state === 'subscribed') {
      this.state = 'asking'
      return { says: 'asks', instance: this.instance }
    }
    this.state = 'subscribed'
    return undefined
  }

  #hear(heard: Claim): Claim | undefined {
    const holds = this.state === 'holding'
    const decision = hearClaim({ instance: this.instance, holds }, heard)
    if (decision === 'yield') this.state = 'gone'
    if (decision !== 'object') return undefined
    return { says: 'objects', instance: this.instance, to: heard.instance }
  }
}

test('of competitors in any order exactly one goes on, and who was there first stays', (t) => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-f]{1,3}$/), { minLength: 1, maxLength: 5 })
  const turns = fc.array(fc.nat(), { minLength: 1, maxLength: 50 })
  const property = fc.property(names, fc.boolean(), turns, (instances, isHeld, order) => {
    const all = instances.map((instance) => new Competitor(instance))
    const [incumbent] = all
    if (isHeld && incumbent !== undefined) incumbent.state = 'holding'
    for (let turn = 0; ; turn += 1) {
      // An objection is quicker than the wait: nobody holds before everybody has been heard.
      const busy = all.filter(({ hasWork }) => hasWork)
      if (busy.length === 0) break
      const said = busy[(order[turn % order.length] ?? 0) % busy.length]?.next()
      if (said === undefined) continue
      for (const { state, inbox } of all) if (state !== 'away' && state !== 'gone') inbox.push(said)
    }
    const left = all.filter(({ state }) => state !== 'gone')
    if (left.length !== 1) throw new Error(`${left.length} are left`)
    if (isHeld && left[0] !== incumbent) throw new Error('the incumbent was displaced')
  })
  t.notThrows(() => fc.assert(property, { numRuns: 500 }))
})
