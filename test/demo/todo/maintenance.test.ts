/** Maintenance is due after ten clicks, once, and each device is apart from every other. */
import test from 'ava'
import fc from 'fast-check'
import {
  clicksMax,
  type Device,
  devicesMax,
  lightOf,
  type MaintenanceEffect,
  type MaintenanceEvent,
  step,
  titleOf,
} from '../../../demo/todo/maintenance.ts'

/** Devices, and everything that was to be done about them so far. */
class Workshop {
  devices: readonly Device[] = []
  effects: readonly MaintenanceEffect[] = []
  #ids = 0

  /** What the event brings about. */
  after(event: MaintenanceEvent): readonly MaintenanceEffect[] {
    const { state, effects } = step(this.devices, event)
    this.devices = state
    this.effects = [...this.effects, ...effects]
    return effects
  }

  clicks(count: number, clientId = 'pi1'): readonly MaintenanceEffect[] {
    return Array.from({ length: count }).flatMap(() => {
      this.#ids += 1
      return this.after({ kind: 'click', clientId, newItemId: `item-${this.#ids}` })
    })
  }

  checks(itemId: string, completed = true): readonly MaintenanceEffect[] {
    return this.after({ kind: 'completed', itemId, completed })
  }

  device(clientId = 'pi1'): Device | undefined {
    return this.devices.find((device) => device.clientId === clientId)
  }
}

const on = { kind: 'light', clientId: 'pi1', light: 'on' } as const
const off = { kind: 'light', clientId: 'pi1', light: 'off' } as const

test('nine clicks are quiet; the tenth writes the entry and puts the light on', (t) => {
  const workshop = new Workshop()
  t.deepEqual(workshop.clicks(9), [])
  t.deepEqual(workshop.clicks(1), [
    { kind: 'insert', itemId: 'item-10', title: 'Perform maintenance on pi1' },
    on,
  ])
  t.like(workshop.device(), { clicks: 10, due: true, itemId: 'item-10' })
})

test('while maintenance is due, clicks are counted and nothing is said again', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  t.deepEqual(workshop.clicks(25), [])
  t.is(workshop.device()?.clicks, 35)
})

test('checked: the light goes off and the count begins again', (t) => {
  const workshop = new Workshop()
  workshop.clicks(14)
  t.deepEqual(workshop.checks('item-10'), [off])
  t.like(workshop.device(), { clicks: 0, due: false })
  t.deepEqual(workshop.clicks(9), [])
})

test('due again, the entry that is still there is unchecked instead of written twice', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  workshop.checks('item-10')
  t.deepEqual(workshop.clicks(clicksMax), [{ kind: 'uncheck', itemId: 'item-10' }, on])
  // The server unchecks it, and tells that as it tells every change of the list.
  t.deepEqual(workshop.checks('item-10', false), [])
})

test('unchecked by somebody: it was not done after all, and the light is on', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  workshop.checks('item-10')
  t.deepEqual(workshop.checks('item-10', false), [on])
  t.deepEqual(workshop.clicks(1), [])
  t.deepEqual(workshop.checks('item-10'), [off])
})

test('what is said twice is done once', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  t.deepEqual(workshop.checks('item-10', false), [])
  t.deepEqual(workshop.checks('item-10'), [off])
  t.deepEqual(workshop.checks('item-10'), [])
})

test('an entry removed unchecked maintains nothing: the next click writes another', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  t.deepEqual(workshop.after({ kind: 'removed', itemId: 'item-10' }), [])
  t.is(workshop.device()?.due, true)
  t.deepEqual(workshop.clicks(1), [
    { kind: 'insert', itemId: 'item-11', title: 'Perform maintenance on pi1' },
  ])
  t.deepEqual(workshop.checks('item-10'), [], 'the old entry is nobody’s')
  t.deepEqual(workshop.checks('item-11'), [off])
})

test('an entry removed when it was checked leaves nothing behind', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax)
  workshop.checks('item-10')
  t.deepEqual(workshop.after({ kind: 'removed', itemId: 'item-10' }), [])
  t.deepEqual(workshop.device(), { clientId: 'pi1', clicks: 0, due: false })
  t.deepEqual(workshop.clicks(9), [])
  t.like(workshop.clicks(1)[0], { kind: 'insert', itemId: 'item-20' })
})

test('B1: checking any other entry changes no device', (t) => {
  const workshop = new Workshop()
  workshop.clicks(clicksMax, 'pi1')
  workshop.clicks(clicksMax, 'pi2')
  workshop.clicks(3, 'pi3')
  const before = workshop.devices
  t.deepEqual(workshop.checks('milk'), [])
  t.deepEqual(workshop.after({ kind: 'removed', itemId: 'milk' }), [])
  t.deepEqual(workshop.devices, before)
  t.deepEqual(workshop.checks('item-10'), [off])
  t.deepEqual(workshop.device('pi2'), before[1])
  t.deepEqual(workshop.device('pi3'), before[2])
})

test('names are names, even those that objects have', (t) => {
  const workshop = new Workshop()
  for (const name of ['__proto__', 'constructor', 'toString', '']) {
    workshop.clicks(9, name)
    t.like(workshop.clicks(1, name), [{ kind: 'insert' }, { kind: 'light', clientId: name }])
  }
})

test(`beyond ${devicesMax} devices a new one is refused, and known ones still count`, (t) => {
  const workshop = new Workshop()
  for (let number = 0; number < devicesMax; number += 1) workshop.clicks(1, `pi${number}`)
  t.deepEqual(workshop.clicks(1, 'one-more'), [{ kind: 'refused', clientId: 'one-more' }])
  t.is(workshop.devices.length, devicesMax)
  t.is(workshop.clicks(clicksMax - 1, 'pi7').length, 2)
})

test('devices survive being written down', (t) => {
  const workshop = new Workshop()
  workshop.clicks(12)
  workshop.devices = JSON.parse(JSON.stringify(workshop.devices))
  t.deepEqual(workshop.checks('item-10'), [off])
})

/**
 * The list as the server keeps it, obeying the effects; whatever people do to it, the promises
 * hold after each step.
 */
test('whatever happens, light, entry and count agree, for each device by itself', (t) => {
  const clientIds = ['pi1', 'pi2', 'pi3'] as const
  const action = fc.oneof(
    { weight: 12, arbitrary: fc.record({ click: fc.constantFrom(...clientIds) }) },
    { weight: 3, arbitrary: fc.record({ toggle: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat(5) }) },
  )
  const property = fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
    const items = new Map([['milk', { title: 'milk', completed: false }]])
    const lights = new Map<string, string>()
    let devices: readonly Device[] = []
    let ids = 0
    const happens = (event: MaintenanceEvent, touched?: string): void => {
      const before = devices
      const { state, effects } = step(before, event)
      devices = state
      for (const device of before) {
        const isOther = device.clientId !== touched
        if (isOther && !devices.includes(device)) throw new Error(`${device.clientId} was touched`)
      }
      for (const effect of effects) obey(effect)
    }
    const obey = (effect: MaintenanceEffect): void => {
      switch (effect.kind) {
        case 'insert':
          items.set(effect.itemId, { title: effect.title, completed: false })
          break
        case 'uncheck': {
          const item = items.get(effect.itemId)
          if (item?.completed !== true) throw new Error('unchecks what is not checked')
          item.completed = false
          break
        }
        case 'light':
          if (lights.get(effect.clientId) === effect.light) throw new Error('said twice')
          lights.set(effect.clientId, effect.light)
          break
        case 'refused':
          throw new Error('refused')
        default:
          effect satisfies never
      }
    }
    const ownerOf = (itemId: string): string | undefined =>
      devices.find((device) => device.itemId === itemId)?.clientId
    for (const action of actions) {
      if ('click' in action) {
        ids += 1
        happens({ kind: 'click', clientId: action.click, newItemId: `${ids}` }, action.click)
      } else {
        const index = 'toggle' in action ? action.toggle : action.remove
        const itemId = [...items.keys()][index]
        const item = items.get(itemId ?? '')
        if (itemId === undefined || item === undefined) continue
        const owner = ownerOf(itemId)
        if ('toggle' in action) {
          item.completed = !item.completed
          happens({ kind: 'completed', itemId, completed: item.completed }, owner)
        } else {
          items.delete(itemId)
          happens({ kind: 'removed', itemId }, owner)
        }
      }
      for (const device of devices) {
        const entry = items.get(device.itemId ?? '')
        if (entry !== undefined && entry.completed === device.due) throw new Error('disagree')
        if (device.due !== ((lights.get(device.clientId) ?? 'off') === 'on'))
          throw new Error('light')
        if (!device.due && device.clicks >= clicksMax) throw new Error('should be due')
        if (lightOf(device) !== (lights.get(device.clientId) ?? 'off')) throw new Error('lightOf')
        const entries = [...items.values()].filter(
          ({ title }) => title === titleOf(device.clientId),
        )
        if (entries.length > 1) throw new Error('two entries')
      }
    }
  })
  t.notThrows(() => fc.assert(property, { numRuns: 500 }))
})
