/**
 * Who a device's id belongs to when two devices have been given the same one.
 *
 * A device asks for its id each time it has connected, and whoever holds the id objects. Invariant:
 * of two that can hear each other exactly one goes on, and the other stops for good: nobody throws
 * anybody out, so there is nothing to fight about. Pure.
 */
import { z } from 'zod'

const instanceSchema = z.string().min(1).max(64)

/** A message on `claimTopic`; an instance is one life of one device, named by chance. */
export const claimSchema = z.discriminatedUnion('says', [
  z.object({ says: z.literal('asks'), instance: instanceSchema }),
  z.object({ says: z.literal('objects'), instance: instanceSchema, to: instanceSchema }),
])
export type Claim = Readonly<z.infer<typeof claimSchema>>

/** Where the devices of one id talk about it. */
export function claimTopic(clientId: string): string {
  return `/Devices/claim/${clientId}`
}

/** How long an objection may take, in milliseconds; a device that lives is far quicker. */
export const claimWaitMs = 1_500

/** How it stands with one device and its id. */
export interface Claimant {
  readonly instance: string
  /** True once nobody has objected, until the connection is lost. */
  readonly holds: boolean
}

/**
 * What a device does about a message. Of two that ask at the same time the one whose instance comes
 * first in the alphabet goes on; it is enough that one of them has heard the other.
 */
export function hearClaim(own: Claimant, heard: Claim): 'nothing' | 'object' | 'yield' {
  if (heard.instance === own.instance) return 'nothing'
  switch (heard.says) {
    case 'objects':
      return heard.to === own.instance && !own.holds ? 'yield' : 'nothing'
    case 'asks':
      return own.holds || own.instance < heard.instance ? 'object' : 'yield'
    default:
      return heard satisfies never
  }
}
