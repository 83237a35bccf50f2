/**
 * Every message of `sallyport.v1` in one table: its name, its code, its fields in wire order.
 *
 * Invariant: the table is the type. `Frame` is derived from it, `encode` and `decode` walk it, and
 * docs/protocol.md is held against it by a test. One frame is one binary WebSocket message of at
 * most `frameBytesMax` bytes, so that header and payload fit one TLS record.
 */
import { Fault } from './fault.ts'
import {
  attributes,
  type Cursor,
  code,
  type Field,
  flag,
  hex,
  listOf,
  name,
  rest,
  u8,
  u32,
  u48,
} from './layout.ts'

/** The version that HELLO and WELCOME say. */
export const protocolVersion = 1
/** The WebSocket sub-protocol of a carrier. */
export const subprotocol = 'sallyport.v1'
/** The longest frame: 16,384 less the longest WebSocket header and room for one more tag. */
export const frameBytesMax = 16_360
/** Code, id and offset in front of the bytes of a DATA frame. */
export const dataHeaderBytes = 13
/** The most bytes that one DATA frame carries. */
export const dataBytesMax: number = frameBytesMax - dataHeaderBytes
/** The session of a HELLO that has none to resume. */
export const noSession = '0000000000000000'

/** Attribute tags; a receiver skips the ones that it does not know. */
export const attributeTags = { build: 1, source: 2, user: 3, proof: 4, lane: 5 } as const

const id = u48
const life = hex(8)

/** The table. Codes are never reused; a field is never inserted, only added as an attribute. */
export const frames = {
  hello: {
    code: 0x01,
    fields: {
      version: u8,
      epoch: life,
      session: life,
      attempt: u32,
      alive: listOf(u8, u32),
      attributes,
    },
  },
  welcome: {
    code: 0x02,
    fields: {
      version: u8,
      life,
      session: life,
      resumed: flag,
      routes: u32,
      resumeWindowMs: u32,
      livenessMs: u32,
      streamsMax: u32,
      carriersMax: u8,
      attributes,
    },
  },
  gone: { code: 0x03, fields: { attempt: u32 } },
  services: { code: 0x04, fields: { revision: u32, names: listOf(u8, name) } },
  ping: { code: 0x05, fields: { echo: u48, bytesSent: u48 } },
  pong: { code: 0x06, fields: { echo: u48, bytesReceived: u48 } },
  goaway: { code: 0x07, fields: { code, deadlineMs: u32 } },
  open: {
    code: 0x10,
    fields: {
      id,
      key: hex(16),
      attachment: u32,
      established: flag,
      received: u48,
      consumed: u48,
      limit: u48,
      to: name,
      from: name,
      attributes,
    },
  },
  accept: { code: 0x11, fields: { id, received: u48, consumed: u48, limit: u48, by: name } },
  refuse: { code: 0x12, fields: { id, code } },
  data: { code: 0x13, fields: { id, offset: u48, bytes: rest } },
  credit: { code: 0x14, fields: { id, consumed: u48, limit: u48 } },
  fin: { code: 0x15, fields: { id, position: u48, code } },
  reset: { code: 0x16, fields: { id, code } },
  close: { code: 0x17, fields: { id, consumed: u48 } },
  resume: { code: 0x18, fields: { id, received: u48, consumed: u48, limit: u48 } },
  resync: { code: 0x19, fields: { id } },
  hold: { code: 0x1a, fields: { id } },
  void: { code: 0x1b, fields: { id } },
} as const

type Table = typeof frames
/** The name of a kind of frame. */
export type FrameKind = keyof Table
type ValueOf<Kind> = Kind extends Field<infer Value> ? Value : never

/** One frame of the given kind. */
export type FrameOf<Kind extends FrameKind> = { readonly kind: Kind } & {
  readonly [Name in keyof Table[Kind]['fields']]: ValueOf<Table[Kind]['fields'][Name]>
}

/** Any frame. */
export type Frame = { [Kind in FrameKind]: FrameOf<Kind> }[FrameKind]

/** Frames about one stream: they carry an `id`. */
export type StreamFrame = Extract<Frame, { readonly id: number }>
/** Frames about the carrier or the link. */
export type LinkFrame = Exclude<Frame, StreamFrame>

interface Layout {
  readonly kind: FrameKind
  readonly code: number
  readonly fields: readonly (readonly [string, Field<unknown>])[]
}

const layouts: readonly Layout[] = Object.entries(frames).map(([kind, { code, fields }]) => ({
  kind: kind as FrameKind,
  code,
  fields: Object.entries(fields) as unknown as Layout['fields'],
}))
const layoutOfKind = new Map(layouts.map((layout) => [layout.kind, layout]))
const layoutOfCode = new Map(layouts.map((layout) => [layout.code, layout]))

/** True for a frame about one stream. */
export function isStreamFrame(frame: Frame): frame is StreamFrame {
  return 'id' in frame
}

/**
 * The frame's bytes. Throws `frame_malformed` when they would be more than `frameBytesMax`.
 * `allocate` gives the place for so many bytes: whoever sends many writes them in one buffer.
 */
export function encode(frame: Frame, allocate = newBuffer): Uint8Array {
  if (frame.kind === 'data') return encodeData(frame, allocate)
  const layout = layoutOfKind.get(frame.kind) as Layout
  const values = frame as unknown as Readonly<Record<string, unknown>>
  let size = 1
  for (const [field, { size: sizeOf }] of layout.fields) size += sizeOf(values[field])
  if (size > frameBytesMax) throw new Fault('frame_malformed', `${frame.kind} takes ${size} bytes`)
  const cursor: Cursor = { bytes: allocate(size), at: 1 }
  cursor.bytes[0] = layout.code
  for (const [field, { write }] of layout.fields) write(cursor, values[field])
  return cursor.bytes
}

/** The frame in these bytes. Throws a `frame_malformed` fault that names kind, field and place. */
export function decode(bytes: Uint8Array): Frame {
  const first = bytes[0]
  if (first === undefined) throw new Fault('frame_malformed', 'an empty frame')
  if (bytes.length > frameBytesMax) {
    throw new Fault('frame_malformed', `a frame of ${bytes.length} bytes, ${frameBytesMax} at most`)
  }
  if (first === frames.data.code) return decodeData(bytes)
  const layout = layoutOfCode.get(first)
  if (layout === undefined) throw new Fault('frame_malformed', `an unknown frame code ${first}`)
  const cursor: Cursor = { bytes, at: 1 }
  const frame: Record<string, unknown> = { kind: layout.kind }
  for (const [field, { read }] of layout.fields) {
    try {
      frame[field] = read(cursor)
    } catch (cause) {
      if (!(cause instanceof Fault)) throw cause
      throw new Fault('frame_malformed', `${layout.kind}.${field}: ${cause.message}`, { cause })
    }
  }
  if (cursor.at !== bytes.length) {
    throw new Fault('frame_malformed', `${layout.kind}: ${bytes.length - cursor.at} bytes too many`)
  }
  return frame as unknown as Frame
}

// DATA is most of what travels, so its two directions are written out; on the way in its bytes are
// a view of the message.

function newBuffer(size: number): Uint8Array {
  return new Uint8Array(size)
}

function encodeData(frame: FrameOf<'data'>, allocate: typeof newBuffer): Uint8Array {
  const { bytes } = frame
  const size = dataHeaderBytes + bytes.length
  if (size > frameBytesMax) throw new Fault('frame_malformed', `data takes ${size} bytes`)
  const whole = allocate(size)
  const cursor: Cursor = { bytes: whole, at: 1 }
  whole[0] = frames.data.code
  id.write(cursor, frame.id)
  u48.write(cursor, frame.offset)
  whole.set(bytes, dataHeaderBytes)
  return whole
}

function decodeData(bytes: Uint8Array): Frame {
  if (bytes.length < dataHeaderBytes) {
    throw new Fault('frame_malformed', `data: cut short at byte ${bytes.length}`)
  }
  const cursor: Cursor = { bytes, at: 1 }
  return {
    kind: 'data',
    id: id.read(cursor),
    offset: u48.read(cursor),
    bytes: rest.read(cursor),
  }
}
