/**
 * Where frames of an end can be said: one id of one session of one port.
 *
 * Invariant: an attachment is used only while it is `ready`, and bytes only while it is `synced`
 * too: after a cut or a HOLD both ends restate themselves first, or what was sent meanwhile would
 * be lost.
 */
export interface Attachment<Port> {
  readonly port: Port
  readonly id: number
  /** False after a cut or HOLD, until RESYNC. */
  ready: boolean
  /** False from then on until the far end has restated itself. */
  synced: boolean
  /** The relay behind it is about to stop: it serves until there is another way. */
  leaving: boolean
}

/** A new attachment: whoever makes it is about to restate the end on it. */
export function attached<Port>(port: Port, id: number): Attachment<Port> {
  return { port, id, ready: true, synced: true, leaving: false }
}

/** Both ends have just stated here how they stand. */
export function establish<Port>(attachment: Attachment<Port>): void {
  attachment.ready = true
  attachment.synced = true
}

/** What is said here begins anew; `ready` tells whether it may begin at once. */
export function unsync<Port>(attachment: Attachment<Port> | undefined, ready: boolean): void {
  if (attachment === undefined) return
  attachment.ready = ready
  attachment.synced = false
}
