/** What the page is told about where it is: which transport, and what can be pressed from here. */
import { z } from 'zod'

export const transports = ['socket.io', 'mqtt', 'amqp'] as const
export type Transport = (typeof transports)[number]

export const settingsSchema = z.object({
  transport: z.enum(transports),
  /** Where a POST presses the button of a simulated device; absent where there is none. */
  pressPath: z.string().startsWith('/').optional(),
})
export type Settings = Readonly<z.infer<typeof settingsSchema>>

/** Where the page reads them. */
export const settingsPath = '/settings.json'
