/**
 * Predictive maintenance through the tunnel: devices in the field, the broker and the todo server
 * behind the firewall, and somebody with the list in the cloud.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { authorityPaths } from '../../certs/store.ts'
import { connectMqtt } from '../../demo/todo/bus/mqtt.ts'
import { clicksMax } from '../../demo/todo/maintenance.ts'
import { Simulated } from '../support/devices.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { testWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { clientOn, startServer } from '../support/todo.ts'
import { openTunnel } from '../support/tunnel.ts'

const service = 'plant-1/mqtt'

testWith('mosquitto')('B1: ten clicks light one device; checked, it is dark again', async (t) => {
  t.timeout(300_000)
  await using broker = await startMosquitto()
  await using folder = await temporaryFolder()
  const serverUrl = `mqtt://127.0.0.1:${broker.port}`
  await using server = await startServer({ carrier: 'mosquitto', serverUrl }, folder.path)
  await using tunnel = await openTunnel({
    services: { [service]: { target: broker.port, websocket: '/mqtt' } },
  })
  const cloudUrl = `mqtt://127.0.0.1:${tunnel.port(service)}`
  await using reader = clientOn(connectMqtt({ url: cloudUrl, clientId: randomUUID() }))
  await reader.until('the list', ({ ready }) => ready, 30_000)
  const authority = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
  const url = `wss://localhost:${tunnel.listenPort}/mqtt`
  await using first = new Simulated({ url, authority }, 'pi1')
  await using second = new Simulated({ url: cloudUrl }, 'pi2')

  first.clicks(clicksMax / 2)
  second.clicks(clicksMax - 1)
  const isCounted = (id: string, clicks: number): boolean =>
    server.state.devices.some((one) => one.clientId === id && one.clicks === clicks)
  await reader.until('both counted', () => isCounted('pi1', 5) && isCounted('pi2', 9), 30_000)
  tunnel.agent('plant-1').proxy.cut()
  first.clicks(clicksMax / 2)
  await first.light('on')
  const { items } = await reader.until('the entry', (view) => view.items.length === 1, 30_000)
  const [entry] = items
  t.is(entry?.title, 'Perform maintenance on pi1')
  t.is(second.twin.light, 'off')
  if (entry === undefined) return

  first.clicks(3)
  second.clicks(1)
  await second.light('on')
  const { id, title } = entry
  reader.list.make({ command: 'update', item: { id, title, completed: true } })
  await first.light('off')
  t.is(second.twin.light, 'on', 'each device is apart')
  reader.list.make({ command: 'update', item: { id, title, completed: false } })
  await first.light('on')
  const connects = broker.log.lines.filter((line) => /connected .* as device-/.test(line))
  t.is(connects.length, 2, 'neither device has noticed the cut')
})
