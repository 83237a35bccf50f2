/** The one timer: it rings at a deadline that moves, and listens first when it comes too late. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import test from 'ava'
import { Alarm, lateMs, monotonicNow } from '../../../shared/io/alarm.ts'
import { within } from '../../support/within.ts'

/** Two ends of a loopback connection, closed when the test is over. */
async function connection(end: (close: () => void) => void): Promise<readonly [Socket, Socket]> {
  const server = createServer({ noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  const near = connect(address.port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  end(() => {
    for (const one of [near, far, server]) 'destroy' in one ? one.destroy() : one.close()
  })
  return [near, far]
}

/** Keeps the loop from turning, as a long computation or SIGSTOP does. */
function standStill(forMs: number): void {
  for (const until = monotonicNow() + forMs; monotonicNow() < until; );
}

/** What comes first after the loop stood still: the bell, or what was waiting in the socket. */
async function firstAfter(stillMs: number, end: (close: () => void) => void): Promise<string[]> {
  const [near, far] = await connection(end)
  const order: string[] = []
  const rung = new Promise<void>((resolve) => {
    const dueAt = monotonicNow() + 5
    let isRung = false
    const alarm = new Alarm(
      () => (isRung ? Number.POSITIVE_INFINITY : dueAt),
      () => {
        isRung = true
        order.push('bell')
        resolve()
      },
    )
    end(() => alarm.end())
    near.on('data', () => order.push('heard'))
    alarm.set()
    far.write('a sign of life')
    standStill(stillMs)
  })
  await within('bell', rung)
  if (!order.includes('heard')) await within('data', once(near, 'data'))
  return order
}

test.serial(
  'rule 37: a bell that comes much too late lets the loop read before it is rung',
  async (t) => {
    const order = await firstAfter(lateMs + 100, (close) => t.teardown(close))
    t.deepEqual(order, ['heard', 'bell'])
  },
)

test.serial('one that comes in time, or a little late, is rung at once', async (t) => {
  const order = await firstAfter(50, (close) => t.teardown(close))
  t.deepEqual(order, ['bell', 'heard'])
})

test.serial(
  'a deadline that comes nearer is met, and one that has moved away is not',
  async (t) => {
    const began = monotonicNow()
    let dueAt = began + 60_000
    const rung: number[] = []
    const bell = new Promise<void>((resolve) => {
      const alarm = new Alarm(
        () => dueAt,
        (now) => {
          rung.push(now)
          dueAt = Number.POSITIVE_INFINITY
          resolve()
        },
      )
      t.teardown(() => alarm.end())
      alarm.set()
      dueAt = began + 20
      alarm.set()
      dueAt = began + 40
      alarm.set()
    })
    await within('bell', bell)
    t.is(rung.length, 1)
    t.true((rung[0] ?? 0) >= began + 40, 'it was rung before its deadline')
  },
)

test.serial('a deadline that stays due is not rung in a hot loop', async (t) => {
  let count = 0
  const began = monotonicNow()
  const bells = new Promise<void>((resolve) => {
    const alarm: Alarm = new Alarm(
      () => began,
      () => {
        count += 1
        if (count === 5) {
          alarm.end()
          resolve()
        }
      },
    )
    alarm.set()
  })
  await within('five bells', bells)
  t.true(monotonicNow() - began >= 40, 'five bells came at once')
})

test.serial('an alarm that has ended rings no more', async (t) => {
  const dueAt = monotonicNow()
  const ended = new Alarm(
    () => dueAt,
    () => t.fail('it rang'),
  )
  ended.set()
  ended.end()
  ended.set()
  await new Promise<void>((resolve) => {
    const later: Alarm = new Alarm(
      () => dueAt + 30,
      () => {
        later.end()
        resolve()
      },
    )
    later.set()
  })
  t.pass()
})
