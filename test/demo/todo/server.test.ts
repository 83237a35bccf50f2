/** Tests the todo server with clients, on each carrier. */
import { randomUUID } from 'node:crypto'
import { temporaryFolder } from '../../support/temporary.ts'
import { carriers, openClient, openPlace, startServer, testOn } from '../../support/todo.ts'

for (const carrier of carriers) {
  testOn(carrier)(`${carrier}: what one client does, the others see`, async (t) => {
    await using place = await openPlace(carrier)
    await using folder = await temporaryFolder()
    await using _server = await startServer(place, folder.path)
    await using one = openClient(place, 'one')
    await using other = openClient(place, 'other')
    await one.until('ready', ({ ready }) => ready)
    await other.until('ready', ({ ready }) => ready)
    const id = randomUUID()
    one.list.make({ command: 'insert', item: { id, title: 'milk', completed: false } })
    await other.until('milk', ({ items }) => items.length === 1)
    other.list.make({ command: 'busy', id, busy: true })
    await one.until('busy', ({ items }) => items[0]?.busy === true)
    await one.until('no pending', ({ pending }) => pending === 0)
    t.is(other.list.view.items[0]?.title, 'milk')
    t.deepEqual([...one.list.view.online].sort(), ['one', 'other'])
  })
}
