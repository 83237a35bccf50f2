/** A port: its ids, its session, and which ways are left after a resumption. */
import test from 'ava'
import { attached } from '../../../shared/protocol/attachment.ts'
import { EndpointPort } from '../../../shared/protocol/port.ts'
import { inPhase, Lone, session } from '../../support/lone.ts'

const { end } = inPhase('acceptor', 'open', new Lone())

function portUp(): EndpointPort {
  const port = new EndpointPort('relay-0', () => {})
  port.restart(session)
  return port
}

const ids = (leads: readonly { readonly attachment: { readonly id: number } }[]) =>
  leads.map(({ attachment }) => attachment.id)

test('its own ids are even and never given twice within a session', (t) => {
  const port = portUp()
  t.deepEqual([port.newId(), port.newId(), port.newId()], [2, 4, 6])
  port.down()
  port.resume(0)
  t.is(port.newId(), 8)
  port.restart(session)
  t.is(port.newId(), 2)
})

test('it is ready from WELCOME until its carrier is lost, and knows whose session it is', (t) => {
  const port = new EndpointPort('relay-0', () => {})
  t.false(port.ready)
  port.restart(session)
  t.true(port.ready)
  t.deepEqual([port.session, port.life], [session.session, session.life])
  port.down()
  t.false(port.ready)
  port.voice.sayLast({ kind: 'void', id: 1 })
  t.is(port.pull(true), undefined)
  port.resume(0)
  t.deepEqual(port.pull(true), { kind: 'void', id: 1 })
})

test('a new session gives up every way of the old one, and forgets what was to be said', (t) => {
  const port = portUp()
  port.attach(1, end)
  port.attach(3, end)
  port.voice.sayLast({ kind: 'void', id: 1 })
  t.deepEqual(ids(port.restart(session)), [1, 3])
  t.is(port.find(1), undefined)
  t.is(port.pull(true), undefined)
})

test('rule 8: once all are named, what was not named is given up', (t) => {
  const port = portUp()
  port.attach(1, end)
  port.attach(3, end)
  port.down()
  t.deepEqual(ids(port.resume(2)), [])
  t.deepEqual(ids(port.named(1)), [])
  t.deepEqual(ids(port.named(1)), [], 'one id counts once')
  t.deepEqual(ids(port.named(7)), [3], 'one that is not known here counts too')
  t.deepEqual(ids(port.named(9)), [])
})

test('rule 8: a resumption without routes gives up every way', (t) => {
  const port = portUp()
  port.attach(1, end)
  port.down()
  t.deepEqual(ids(port.resume(0)), [1])
})

test('rule 8: what was attached since the resumption was not to be named', (t) => {
  const port = portUp()
  port.attach(1, end)
  port.attach(3, end)
  port.down()
  port.resume(2)
  port.attach(2, end)
  t.deepEqual(ids(port.named(2)), [])
  t.deepEqual(ids(port.named(1)), [], 'two are to be named, and one was')
  t.deepEqual(ids(port.named(3)), [])
})

test('detaching one way leaves another of the same id alone', (t) => {
  const port = portUp()
  const way = port.attach(1, end)
  port.detach(attached(port, 1))
  t.is(port.find(1)?.attachment, way)
  port.detach(way)
  t.is(port.find(1), undefined)
})

test('a cut makes every way wait for RESYNC', (t) => {
  const port = portUp()
  const way = port.attach(1, end)
  port.down()
  t.false(way.ready || way.synced)
})
