/** Tests who is here, where only messages tell. */
import test from 'ava'
import { topics } from '../../../../demo/todo/contract.ts'
import { Clients } from '../../../../demo/todo/facade/clients.ts'
import { recordedLog } from '../../../support/todo.ts'
import { within } from '../../../support/within.ts'

const bytes = (message: object): Uint8Array => new TextEncoder().encode(JSON.stringify(message))

interface Bench extends Disposable {
  readonly clients: Clients
  readonly here: readonly string[]
  readonly gone: readonly string[]
  /** Resolves when so many are gone. */
  allGone(count: number): Promise<void>
}

function openBench(silenceMs: number): Bench {
  const clients = new Clients(() => {}, recordedLog().log, silenceMs)
  const here: string[] = []
  const gone: string[] = []
  let tell = (): void => {}
  clients.onConnection((socket) => {
    here.push(socket.clientId)
    socket.on('disconnect', () => {
      gone.push(socket.clientId)
      tell()
    })
  })
  return {
    clients,
    here,
    gone,
    async allGone(count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      tell = () => {
        if (gone.length >= count) resolve()
      }
      tell()
      await within(`end of ${count}`, promise)
    },
    [Symbol.dispose]: () => clients[Symbol.dispose](),
  }
}

test('who only speaks is here until nothing is heard of him', async (t) => {
  using bench = openBench(200)
  bench.clients.hear(topics.todo, bytes({ clientId: 'a' }), () => {})
  bench.clients.online('b', 'silent')
  bench.clients.online('c', 'gone')
  t.deepEqual(bench.here, ['a', 'b', 'c'])
  await bench.allGone(2)
  t.deepEqual([...bench.gone].sort(), ['a', 'b'])
})

test('after a loss of the broker only those stay who are announced again', async (t) => {
  using bench = openBench(200)
  bench.clients.online('a', 'gone')
  bench.clients.online('b', 'gone')
  bench.clients.doubt()
  bench.clients.online('b', 'gone')
  await bench.allGone(1)
  t.deepEqual(bench.gone, ['a'])
  t.deepEqual(bench.here, ['a', 'b'])
})

test('nothing is taken before anybody listens', async (t) => {
  using clients = new Clients(() => {}, recordedLog().log, 10_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  let acknowledged = 0
  clients.hear(topics.todo, bytes({ clientId: 'a', command: 'init' }), () => {
    acknowledged += 1
    resolve()
  })
  t.is(acknowledged, 0)
  const heard: unknown[] = []
  clients.onConnection((socket) => {
    socket.on(topics.todo, (message, acknowledge) => {
      heard.push(message.command)
      acknowledge()
    })
  })
  await within('message', promise)
  t.deepEqual(heard, ['init'])
})

test("what the server says itself, and what is too long, is nobody's", (t) => {
  using bench = openBench(10_000)
  let acknowledged = 0
  const more = 'x'.repeat(20_000)
  for (const message of [
    { clientId: 'server' },
    { clientId: 'server', more },
    { clientId: 'a', more },
  ]) {
    bench.clients.hear(topics.todo, bytes(message), () => {
      acknowledged += 1
    })
  }
  t.is(acknowledged, 3)
  t.deepEqual(bench.here, [])
})
