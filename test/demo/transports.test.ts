/** Tests which transports a run of the demo takes, and what it says of the others. */
import test from 'ava'
import { chooseTransports } from '../../demo/transports.ts'

const here = { check: true, hasRabbitMq: true }

test('a check runs all that can run, and names what cannot', (t) => {
  t.deepEqual(chooseTransports(here).transports, ['mqtt', 'socket.io', 'amqp'])
  t.is(chooseTransports(here).notRun, undefined)
  const { transports, notRun } = chooseTransports({ ...here, hasRabbitMq: false })
  t.deepEqual(transports, ['mqtt', 'socket.io'])
  t.regex(notRun ?? '', /^amqp: .*apt-get install rabbitmq-server$/)
})

test('whoever stays gets one, and whoever asks gets what he asked for', (t) => {
  t.deepEqual(chooseTransports({ ...here, check: false }).transports, ['mqtt'])
  t.deepEqual(chooseTransports({ ...here, transport: 'socket.io' }).transports, ['socket.io'])
  t.deepEqual(chooseTransports({ ...here, broker: 'rabbitmq' }).transports, ['amqp'])
  t.is(chooseTransports({ ...here, broker: 'embedded' }).broker, 'embedded')
  const both = { ...here, broker: 'rabbitmq', transport: 'mqtt' } as const
  t.throws(() => chooseTransports(both), { code: 'usage' })
})
