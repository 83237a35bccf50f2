/**
 * What MQTT survives for sure: an idle client at the default keepalive of 60 s loses its path for
 * 25 s, in the very moment in which it asks its broker for a sign of life.
 *
 * This test runs in real time, for the client's own clock is what it is about.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { startMosquitto } from '../support/mosquitto.ts'
import { testWith } from '../support/program.ts'
import { openTunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const keepaliveSeconds = 60
const outageMs = 25_000

testWith('mosquitto')('an idle MQTT client does not notice an outage of 25 s', async (t) => {
  t.timeout(300_000)
  await using broker = await startMosquitto()
  await using tunnel = await openTunnel({ services: { 'plant-1/mqtt': { target: broker.port } } })
  const url = `mqtt://127.0.0.1:${tunnel.port('plant-1/mqtt')}`
  const client = await connectAsync(url, { keepalive: keepaliveSeconds, reconnectPeriod: 0 })
  let isClosed = false
  client.once('close', () => {
    isClosed = true
  })
  try {
    await client.subscribeAsync('todo', { qos: 1 })
    const { proxy } = tunnel.agent('plant-1')
    // The client asks 60 s after its last packet; the outage begins 4 s before, so the question
    // falls into it and is answered 21 s late.
    const asked = answerTo(client)
    await wait(keepaliveSeconds * 1_000 - 4_000)
    t.false(isClosed)
    proxy.blackHole(true)
    await wait(outageMs)
    t.false(isClosed)
    proxy.blackHole(false)
    await within('answer to the question for a sign of life', asked, 8_000)
    const heard = messageOf(client)
    await client.publishAsync('todo', 'still here', { qos: 1 })
    t.is(await within('the message', heard), 'still here')
    t.false(isClosed)
    t.is(broker.log.lines.filter((line) => /New client connected/.test(line)).length, 1)
  } finally {
    await client.endAsync(true)
  }
})

/** Resolves when the broker's answer to a PINGREQ comes. */
async function answerTo(client: MqttClient): Promise<void> {
  await new Promise<void>((resolve) => {
    client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pingresp') resolve()
    })
  })
}

/** The text of the next message. */
async function messageOf(client: MqttClient): Promise<string> {
  return await new Promise((resolve) => {
    client.once('message', (_topic, payload) => resolve(payload.toString()))
  })
}
