/** Promise: a process can be reached where it should be, and nowhere else. */
import { Fault } from '../../shared/protocol/fault.ts'
import type { Child } from '../child.ts'
import { isLoopback, type ListeningPlace, listeningPlaces } from '../sockets.ts'

/** Asks the kernel where the process listens: on these loopback ports, and nowhere else. */
export async function listensOn(
  { name, pid }: Child,
  ports: readonly number[],
  verb = 'listens',
): Promise<string> {
  const places = await listeningPlaces(pid)
  if (places === undefined) return 'where it listens cannot be checked here: there is no /proc'
  const isExpected = (place: ListeningPlace): boolean =>
    isLoopback(place) && place.protocol === 'tcp' && ports.includes(place.port)
  const stray = places.find((place) => !isExpected(place))
  if (stray !== undefined) {
    const { protocol, address, port } = stray
    throw new Fault('promise_broken', `${name} listens on ${protocol} ${address}:${port}.`)
  }
  if (places.length < ports.length) {
    throw new Fault('promise_broken', `${name} listens on ${places.length} ports.`)
  }
  if (ports.length === 0) return 'listens on nothing'
  return `${verb} on 127.0.0.1:${ports.join(' and :')} only`
}
