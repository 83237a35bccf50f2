/** Where streams are opened: at the best relay that is ready, and then at the next one. */
import test from 'ava'
import type { EndpointPort } from '../../../shared/protocol/port.ts'
import { Ports } from '../../../shared/protocol/ports.ts'
import { session } from '../../support/lone.ts'

/** Ports with these round trips, in the order of the list; undefined where none was measured. */
function listOf(...roundTrips: readonly (number | undefined)[]) {
  const ports = new Ports()
  const list = roundTrips.map((roundTripMs, index) => {
    const port = ports.add(`relay-${index}`, () => {})
    port.restart(session)
    port.roundTripMs = roundTripMs
    return port
  })
  const choose = (avoid: readonly number[] = [], after?: number): number => {
    const avoided = new Set(avoid.map((index) => list[index] as EndpointPort))
    const chosen = ports.choose(avoided, after === undefined ? undefined : list[after])
    return chosen === undefined ? -1 : list.indexOf(chosen)
  }
  return { ports, list, choose }
}

test('the relay that answers fastest is chosen', (t) => {
  t.is(listOf(80, 20, 50).choose(), 1)
})

test('of relays that are about as near, the one that stands first in the list is chosen', (t) => {
  t.is(listOf(20, 12, 8).choose(), 0)
  t.is(listOf(20, 5, 8).choose(), 1)
})

test('a relay whose round trip is unknown comes after all that are known', (t) => {
  t.is(listOf(undefined, 900).choose(), 1)
  t.is(listOf(undefined, undefined).choose(), 0)
})

test('a relay that is down, or to be avoided, is not chosen', (t) => {
  const { list, choose } = listOf(10, 20, 30)
  list[0]?.down()
  t.is(choose(), 1)
  t.is(choose([1]), 2)
  t.is(choose([1, 2]), -1)
})

test('a carrier that is lost takes its round trip with it', (t) => {
  const { list, choose } = listOf(10, 500)
  list[0]?.down()
  list[0]?.resume(0)
  t.is(choose(), 1)
})

test('who has tried one relay goes on with the next best, in a round', (t) => {
  const { choose } = listOf(80, 20, 50)
  t.deepEqual([choose([], 1), choose([], 2), choose([], 0)], [2, 0, 1])
})

test('the shortest window that any relay has said last is the one that holds', (t) => {
  const { ports, list } = listOf(1, 1)
  const [one, other] = list as [EndpointPort, EndpointPort]
  t.deepEqual(
    [ports.narrow(one, 90), ports.narrow(other, 30), ports.narrow(other, 120)],
    [90, 30, 90],
  )
})
