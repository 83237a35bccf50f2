/**
 * What the parts of the todo application say to each other, on whatever transport: the same for the
 * server, the page and the device. Browsers load this file as it is.
 *
 * Invariant: each message names its author by `clientId`, and nobody hears himself. The server
 * alone decides: what it has `applied` is numbered without gaps by `revision`, and whoever applies
 * the changes in that order, beginning with an `initdata`, has the server's list.
 */
import { z } from 'zod'

/** The bounds of what is taken from others. */
export const limits = {
  /** Characters of a title. */
  titleMax: 500,
  /** Entries of the list. */
  itemsMax: 1_000,
  /** Bytes of one message to the server; what the server says may be as long as the list. */
  messageBytesMax: 16_384,
  /** An entry is kept busy for so long after it was last said to be. */
  leaseMs: 10_000,
  /** Clients of which the server remembers how far they were heard. */
  clientsMax: 2_000,
  /** Messages of one device that are known when they come again. */
  deviceMessagesMax: 100,
  /** So often the server says that it is here. */
  readyMs: 10_000,
} as const

/** The author of what the server says. */
export const serverId = 'server'

/** Where things are said. MQTT calls it a topic, AMQP an exchange, Socket.IO an event. */
export const topics = {
  /** The list, both ways. */
  todo: 'todomvc',
  /** Below it, a topic a client: `online` or `offline`, kept by the broker, also as a last will. */
  presence: 'todomvc/presence',
  /** What devices say. */
  deviceStatus: '/Devices/status',
  /** What is said to devices; below it, a topic a device keeps the last command for it. */
  deviceCommand: '/Devices/command',
} as const

/** The topic on which one client alone listens: `todomvc/7c0a…`, `/Devices/command/pi1`. */
export function addressed(topic: string, clientId: string): string {
  return `${topic}/${clientId}`
}

/** The one name for the id of a client or a device; it is safe in a topic. */
export const clientIdSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)

const idSchema = z.uuid()

/** An entry as it is kept; ids are random UUIDs, so that no two authors choose the same. */
export const itemSchema = z.object({
  id: idSchema,
  title: z.string().trim().min(1).max(limits.titleMax),
  completed: z.boolean(),
})
export type Item = Readonly<z.infer<typeof itemSchema>>

/** What may happen to the list; each is one message, however many entries it concerns. */
export const changeSchema = z.discriminatedUnion('command', [
  z.object({ command: z.literal('insert'), item: itemSchema }),
  z.object({ command: z.literal('update'), item: itemSchema }),
  z.object({ command: z.literal('remove'), id: idSchema }),
  z.object({ command: z.literal('clear-completed') }),
  z.object({ command: z.literal('toggle-all'), completed: z.boolean() }),
  /** A lease: while one client has an entry, the server refuses changes to it by others. */
  z.object({ command: z.literal('busy'), id: idSchema, busy: z.boolean() }),
])
export type Change = z.infer<typeof changeSchema>

/** Counts the changes of a client from 1: the server takes each once, and none before the last. */
const numberSchema = z.int().min(1)

/**
 * What a client says. A change without a number is not guarded against being delivered twice; the
 * number of an `init` is the last one that was answered, 0 when none was.
 */
export const clientMessageSchema = z.intersection(
  z.object({ clientId: clientIdSchema, number: z.int().min(0).optional() }),
  z.discriminatedUnion('command', [z.object({ command: z.literal('init') }), changeSchema]),
)
export type ClientMessage = Readonly<z.infer<typeof clientMessageSchema>>

/** What a client gives to its bus, which adds the `clientId`. */
export type Command = (Change | { readonly command: 'init' }) & {
  readonly number?: number | undefined
}

/** What pages are told of a device. */
export const deviceSchema = z.object({
  clientId: clientIdSchema,
  /** Since its last maintenance. */
  clicks: z.int().min(0),
  /** Maintenance is due, and the light is on. */
  due: z.boolean(),
  itemId: idSchema.optional(),
})
export type DeviceState = z.infer<typeof deviceSchema>

const presence = {
  online: z.array(clientIdSchema),
  devices: z.array(deviceSchema),
}

/** Everything: what an `initdata` carries, and what a client then keeps up to date. */
export const listSchema = z.object({
  revision: z.int().min(0),
  items: z.array(itemSchema),
  /** Who is busy with which entry. */
  leases: z.record(idSchema, clientIdSchema),
})
export type List = Readonly<z.infer<typeof listSchema>>

/** What the server says; its `clientId` is always `server`. */
export const serverMessageSchema = z.discriminatedUnion('command', [
  /** The answer to an `init`, for the asker alone; `number` is his last that was taken. */
  z.object({
    clientId: z.literal(serverId),
    command: z.literal('initdata'),
    to: clientIdSchema,
    number: z.int().min(0),
    ...listSchema.shape,
    ...presence,
  }),
  /** A change that was made, to everybody and its author: the next revision of the list. */
  z.object({
    clientId: z.literal(serverId),
    command: z.literal('applied'),
    revision: z.int().min(1),
    author: clientIdSchema,
    number: numberSchema.optional(),
    change: changeSchema,
  }),
  /** A change that was not made, to its author. */
  z.object({
    clientId: z.literal(serverId),
    command: z.literal('refused'),
    to: clientIdSchema,
    number: numberSchema.optional(),
    reason: z.enum(['busy', 'full', 'unknown', 'taken']),
  }),
  /** Who is here, whenever that changes, and how the devices are. */
  z.object({ clientId: z.literal(serverId), command: z.literal('presence'), ...presence }),
  /** The server is here, said at its start and again and again: who is elsewhere asks anew. */
  z.object({
    clientId: z.literal(serverId),
    command: z.literal('ready'),
    revision: z.int().min(0),
  }),
])
export type ServerMessage = z.infer<typeof serverMessageSchema>
export type Refusal = Extract<ServerMessage, { command: 'refused' }>['reason']

/** Any message on the topic of the list. */
export type Message = ServerMessage | ClientMessage

/** What a device says, at least once; with a `messageId` it is counted once. */
export const deviceStatusSchema = z.object({
  clientId: clientIdSchema,
  button: z.literal('click'),
  messageId: idSchema.optional(),
})
export type DeviceStatus = z.infer<typeof deviceStatusSchema>

/** What is said to a device. */
export const deviceCommandSchema = z.object({
  clientId: clientIdSchema,
  maintenancelight: z.enum(['on', 'off']),
})
export type DeviceCommand = z.infer<typeof deviceCommandSchema>
