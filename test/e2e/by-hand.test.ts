/**
 * The whole story with nothing but the commands that a person types and the two files that a person
 * writes: authority, relay, agent, a stream, and an orderly end.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../support/process.ts'
import { entryPoint, Sallyport } from '../support/sallyport.ts'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('from an empty folder to a stream, and to an orderly end', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using folder = await temporaryFolder()
  const sallyport = async (...args: readonly string[]): Promise<string> =>
    await run(process.execPath, [entryPoint, ...args], { folder: folder.path })

  await sallyport('certs', 'init', 'plant.test')
  await sallyport('certs', 'issue', 'relay', 'localhost', '--ip', '127.0.0.1')
  await sallyport('certs', 'issue', 'agent', 'plant-1')

  await writeFile(
    join(folder.path, 'relay.yaml'),
    `name: localhost
listen: 127.0.0.1:0
admin: 127.0.0.1:0
services:
  plant-1/any:
    tcp: 127.0.0.1:0
policy:
  - rule: this machine
    from: [127.0.0.1]
    to: [plant-1/any]
expect:
  - allow 127.0.0.1 -> plant-1/any
  - deny 127.0.0.2 -> plant-1/any
`,
  )
  await using relay = new Sallyport(['relay', '--config', 'relay.yaml'], folder.path)
  const ready = JSON.stringify(await relay.waitForMessage('relay ready'))
  const [, listen = ''] = /"listen":"127\.0\.0\.1:(\d+)"/.exec(ready) ?? []
  const [, ingress = ''] = /"tcp":"127\.0\.0\.1:(\d+)"/.exec(ready) ?? []

  await writeFile(
    join(folder.path, 'agent.yaml'),
    `relay: 127.0.0.1:${listen}
name: plant-1
expose:
  any: 127.0.0.1:${echo.port}
`,
  )
  await using agent = new Sallyport(['agent', '--config', 'agent.yaml'], folder.path)
  await agent.waitForMessage('link ready')

  const consumer = await consumerOf(Number(ingress))
  t.true(await echoes(consumer, 'hello'))

  const ending = readToEnd(consumer)
  t.deepEqual(await agent.end(), { status: 0, signal: null })
  t.is((await ending).by, 'reset')
  t.deepEqual(await relay.end(), { status: 0, signal: null })
})
