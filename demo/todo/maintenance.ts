/**
 * Predictive maintenance: so many clicks of a device, and the list has an entry and the device a
 * light; the entry is checked, and both begin again.
 *
 * Invariant: a device's light is on exactly while its maintenance is due, and it has at most one
 * entry in the list. Each device is apart: an entry is its own device's alone, found by id. Pure:
 * ids are handed in, effects are handed back, and an event that changes nothing has none.
 */

/** After so many clicks maintenance is due. */
export const clicksMax = 10

/** Clicks come from a network: somebody who invents names of devices fills no memory. */
export const devicesMax = 1_000

/** What is known of one device; plain data, to be kept on disk with the list. */
export interface Device {
  readonly clientId: string
  /** Since the last maintenance; those that come while it is due are counted, too. */
  readonly clicks: number
  readonly due: boolean
  /** Its entry in the list; none before the first maintenance, or after somebody removed it. */
  readonly itemId?: string
}

/** What happened: to a device, or to any entry of the list, whoever changed it. */
export type MaintenanceEvent =
  /** `newItemId` is for the entry, should one become due. */
  | { readonly kind: 'click'; readonly clientId: string; readonly newItemId: string }
  | { readonly kind: 'completed'; readonly itemId: string; readonly completed: boolean }
  | { readonly kind: 'removed'; readonly itemId: string }

/** What is to be done about it, in this order. */
export type MaintenanceEffect =
  | { readonly kind: 'insert'; readonly itemId: string; readonly title: string }
  | { readonly kind: 'uncheck'; readonly itemId: string }
  | { readonly kind: 'light'; readonly clientId: string; readonly light: Light }
  /** A click of a device for which there is no more room. */
  | { readonly kind: 'refused'; readonly clientId: string }

export type Light = 'on' | 'off'

export interface MaintenanceStep {
  readonly state: readonly Device[]
  readonly effects: readonly MaintenanceEffect[]
}

/** The devices after an event. An entry of the list that belongs to no device changes nothing. */
export function step(state: readonly Device[], event: MaintenanceEvent): MaintenanceStep {
  switch (event.kind) {
    case 'click':
      return clicked(state, event.clientId, event.newItemId)
    case 'completed':
      return changed(state, event.itemId, (device) => checked(device, event.completed))
    case 'removed':
      return changed(state, event.itemId, removed)
    default:
      return event satisfies never
  }
}

/** What a device's light must show: to be said again whenever it may have been missed. */
export function lightOf({ due }: Device): Light {
  return due ? 'on' : 'off'
}

/** The title of a device's entry. */
export function titleOf(clientId: string): string {
  return `Perform maintenance on ${clientId}`
}

function clicked(state: readonly Device[], clientId: string, newItemId: string): MaintenanceStep {
  const known = state.find((device) => device.clientId === clientId)
  if (known !== undefined) return replaced(state, known, counted(known, newItemId))
  if (state.length >= devicesMax) return { state, effects: [{ kind: 'refused', clientId }] }
  const { device, effects } = counted({ clientId, clicks: 0, due: false }, newItemId)
  return { state: [...state, device], effects }
}

interface Outcome {
  readonly device: Device
  readonly effects: readonly MaintenanceEffect[]
}

/**
 * The tenth click, and no other, makes maintenance due; one more brings back an entry that was
 * removed meanwhile. The entry of an earlier time is used again.
 */
function counted(before: Device, newItemId: string): Outcome {
  const { clientId, due, itemId } = before
  const device = { ...before, clicks: before.clicks + 1 }
  if (!due && device.clicks < clicksMax) return { device, effects: [] }
  const light: MaintenanceEffect = { kind: 'light', clientId, light: 'on' }
  if (itemId === undefined) {
    const insert = { kind: 'insert', itemId: newItemId, title: titleOf(clientId) } as const
    const effects = due ? [insert] : [insert, light]
    return { device: { ...device, due: true, itemId: newItemId }, effects }
  }
  if (due) return { device, effects: [] }
  return { device: { ...device, due: true }, effects: [{ kind: 'uncheck', itemId }, light] }
}

/** Checked is done, and the count begins again; unchecked, it was not done after all. */
function checked(device: Device, completed: boolean): Outcome {
  if (device.due !== completed) return { device, effects: [] }
  const { clientId } = device
  const after = completed ? { ...device, clicks: 0, due: false } : { ...device, due: true }
  return { device: after, effects: [{ kind: 'light', clientId, light: lightOf(after) }] }
}

/**
 * Who removes an entry that is not checked has tidied the list, and maintained nothing: the light
 * stays on, and the next click writes another entry. One that was checked has done its duty.
 */
function removed({ itemId: _gone, ...device }: Device): Outcome {
  return { device, effects: [] }
}

/** Changes the one device that the entry belongs to. */
function changed(
  state: readonly Device[],
  itemId: string,
  change: (device: Device) => Outcome,
): MaintenanceStep {
  const owner = state.find((device) => device.itemId === itemId)
  if (owner === undefined) return { state, effects: [] }
  return replaced(state, owner, change(owner))
}

function replaced(
  state: readonly Device[],
  old: Device,
  { device, effects }: Outcome,
): MaintenanceStep {
  return { state: state.map((one) => (one === old ? device : one)), effects }
}
