/** Tests of the servers of the tests: each is spoken to directly by its own unmodified client. */
import test from 'ava'
import { startWebServer } from './http.ts'
import { startMosquitto } from './mosquitto.ts'
import { startPostgres } from './postgres.ts'
import { Child, run } from './process.ts'
import { programPath, testWith } from './program.ts'
import { startRedis } from './redis.ts'
import { startSecureShell } from './sshd.ts'

testWith(
  'mosquitto',
  'mosquitto_pub',
  'mosquitto_sub',
)('Mosquitto passes a message', async (t) => {
  await using broker = await startMosquitto()
  const address = ['-h', '127.0.0.1', '-p', `${broker.port}`, '-t', 'todo']
  await using subscriber = new Child(programPath('mosquitto_sub'), [...address, '-C', '1'])
  await broker.log.waitForLine(/Sending SUBACK/)
  await run(programPath('mosquitto_pub'), [...address, '-m', 'water the plants'])
  await subscriber.waitForLine(/^water the plants$/)
  t.is((await subscriber.waitForExit()).status, 0)
})

testWith('redis-server', 'redis-cli')('Redis gives back what it was given', async (t) => {
  await using server = await startRedis()
  const address = ['-h', '127.0.0.1', '-p', `${server.port}`]
  await run(programPath('redis-cli'), [...address, 'set', 'todo', 'water the plants'])
  t.is(await run(programPath('redis-cli'), [...address, 'get', 'todo']), 'water the plants\n')
})

testWith(
  'initdb',
  'postgres',
  'psql',
)('PostgreSQL answers a query', async (t) => {
  t.timeout(180_000)
  await using server = await startPostgres()
  const address = ['-h', '127.0.0.1', '-p', `${server.port}`, '-U', 'postgres', '-d', 'postgres']
  t.is(await run(programPath('psql'), [...address, '-At', '-c', 'select 6 * 7']), '42\n')
})

testWith(
  'sshd',
  'ssh',
  'ssh-keygen',
)('OpenSSH runs a command', async (t) => {
  await using server = await startSecureShell()
  const output = await run(
    programPath('ssh'),
    [...server.clientArguments(server.port), 'cat; echo there'],
    { input: 'water the plants\n' },
  )
  t.is(output, 'water the plants\nthere\n')
})

testWith('curl')('the web server gives back what it is sent', async (t) => {
  await using server = await startWebServer()
  const url = `http://127.0.0.1:${server.port}/`
  const args = ['-sS', '--data-binary', '@-', url]
  t.is(await run(programPath('curl'), args, { input: 'water\n' }), 'water\n')
})

test('a server that is gone is gone', async (t) => {
  const server = await startWebServer()
  await server[Symbol.asyncDispose]()
  await t.throwsAsync(fetch(`http://127.0.0.1:${server.port}/`))
})
