/**
 * Frames for tests: one of every kind with its exact bytes, and arbitrary ones.
 *
 * Invariant: both tables are complete by type, so a new kind of frame does not compile until it has
 * its bytes and its arbitrary here.
 */
import fc from 'fast-check'
import { type FaultCode, faults, type WireCode } from '../../shared/protocol/fault.ts'
import type { Frame, FrameKind, FrameOf } from '../../shared/protocol/frame.ts'
import { u48Max } from '../../shared/protocol/layout.ts'

export const key = '00112233445566778899aabbccddeeff'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One frame of every kind. */
export const samples: { readonly [Kind in FrameKind]: FrameOf<Kind> } = {
  hello: {
    kind: 'hello',
    version: 1,
    epoch: '0102030405060708',
    session: '0000000000000000',
    attempt: 7,
    alive: [5, 6],
    attributes: [{ tag: 1, value: bytesOf('v1') }],
  },
  welcome: {
    kind: 'welcome',
    version: 1,
    life: '1112131415161718',
    session: '2122232425262728',
    resumed: true,
    routes: 3,
    resumeWindowMs: 90_000,
    livenessMs: 10_000,
    streamsMax: 1_000,
    carriersMax: 1,
    attributes: [],
  },
  gone: { kind: 'gone', attempt: 6 },
  services: { kind: 'services', revision: 1, names: ['mqtt', 'sql'] },
  ping: { kind: 'ping', echo: 1, bytesSent: 0x10000 },
  pong: { kind: 'pong', echo: 1, bytesReceived: 0xffff },
  goaway: { kind: 'goaway', code: 'drain', deadlineMs: 30_000 },
  open: {
    kind: 'open',
    id: 2,
    key,
    attachment: 1,
    established: false,
    received: 0,
    consumed: 0,
    limit: 0x40000,
    to: 'plant-1/mqtt',
    from: 'agent/crm-1',
    attributes: [{ tag: 2, value: bytesOf('::1') }],
  },
  accept: {
    kind: 'accept',
    id: 2,
    received: 1,
    consumed: 0,
    limit: 0x40000,
    by: 'agent/plant-1',
  },
  refuse: { kind: 'refuse', id: 2, code: 'no_agent' },
  data: { kind: 'data', id: 2, offset: 0x1000, bytes: bytesOf('abc') },
  credit: { kind: 'credit', id: 2, consumed: 3, limit: 0x40003 },
  fin: { kind: 'fin', id: 2, position: 3, code: 'end' },
  reset: { kind: 'reset', id: 2, code: 'expired' },
  close: { kind: 'close', id: 2, consumed: 4 },
  resume: { kind: 'resume', id: 2, received: 3, consumed: 3, limit: 0x40003 },
  resync: { kind: 'resync', id: 2 },
  hold: { kind: 'hold', id: 2 },
  void: { kind: 'void', id: u48Max },
}

/** The bytes of each sample, in hexadecimal, field by field. */
export const sampleBytes: { readonly [Kind in FrameKind]: string } = {
  hello: '01 01 0102030405060708 0000000000000000 00000007 02 00000005 00000006 01 0002 7631',
  welcome: '02 01 1112131415161718 2122232425262728 01 00000003 00015f90 00002710 000003e8 01',
  gone: '03 00000006',
  services: '04 00000001 02 04 6d717474 03 73716c',
  ping: '05 000000000001 000000010000',
  pong: '06 000000000001 00000000ffff',
  goaway: '07 3c 00007530',
  open:
    '10 000000000002 00112233445566778899aabbccddeeff 00000001 00 000000000000 000000000000 ' +
    '000000040000 0c 706c616e742d312f6d717474 0b 6167656e742f63726d2d31 02 0003 3a3a31',
  accept: '11 000000000002 000000000001 000000000000 000000040000 0d 6167656e742f706c616e742d31',
  refuse: '12 000000000002 14',
  data: '13 000000000002 000000001000 616263',
  credit: '14 000000000002 000000000003 000000040003',
  fin: '15 000000000002 000000000003 00',
  reset: '16 000000000002 28',
  close: '17 000000000002 000000000004',
  resume: '18 000000000002 000000000003 000000000003 000000040003',
  resync: '19 000000000002',
  hold: '1a 000000000002',
  void: '1b ffffffffffff',
}

/** Every code that may travel. */
export const wireCodes: readonly WireCode[] = Object.entries(faults)
  .filter(([, { wire }]) => wire !== undefined)
  .map(([code]) => code as FaultCode as WireCode)

/** Numbers where cursors, windows and integers break. */
export const boundaries: readonly number[] = [
  0,
  1,
  255,
  256,
  16_347,
  65_535,
  65_536,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0x100000000,
  u48Max - 1,
  u48Max,
]

const u8 = fc.integer({ min: 0, max: 0xff })
const u32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(...boundaries.filter((value) => value <= 0xffffffff)),
)
const u48 = fc.oneof(fc.integer({ min: 0, max: u48Max }), fc.constantFrom(...boundaries))
const hexOf = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(''))
const flag = fc.boolean()
const code = fc.constantFrom(...wireCodes)
const name = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .filter((text) => bytesOf(text).length <= 255 && !hasControl(text))
const attributes = fc.array(fc.record({ tag: u8, value: fc.uint8Array({ maxLength: 300 }) }), {
  maxLength: 5,
})
const numbers = { received: u48, consumed: u48, limit: u48 }
const record = <Kind extends FrameKind>(
  kind: Kind,
  fields: { readonly [Name in string]: fc.Arbitrary<unknown> },
): fc.Arbitrary<FrameOf<Kind>> =>
  fc.record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<FrameOf<Kind>>

/** An arbitrary frame of each kind. */
export const arbitraries: { readonly [Kind in FrameKind]: fc.Arbitrary<FrameOf<Kind>> } = {
  hello: record('hello', {
    version: u8,
    epoch: hexOf(8),
    session: hexOf(8),
    attempt: u32,
    alive: fc.array(u32, { maxLength: 255 }),
    attributes,
  }),
  welcome: record('welcome', {
    version: u8,
    life: hexOf(8),
    session: hexOf(8),
    resumed: flag,
    routes: u32,
    resumeWindowMs: u32,
    livenessMs: u32,
    streamsMax: u32,
    carriersMax: u8,
    attributes,
  }),
  gone: record('gone', { attempt: u32 }),
  services: record('services', { revision: u32, names: fc.array(name, { maxLength: 30 }) }),
  ping: record('ping', { echo: u48, bytesSent: u48 }),
  pong: record('pong', { echo: u48, bytesReceived: u48 }),
  goaway: record('goaway', { code, deadlineMs: u32 }),
  open: record('open', {
    id: u48,
    key: hexOf(16),
    attachment: u32,
    established: flag,
    ...numbers,
    to: name,
    from: name,
    attributes,
  }),
  accept: record('accept', { id: u48, ...numbers, by: name }),
  refuse: record('refuse', { id: u48, code }),
  data: record('data', { id: u48, offset: u48, bytes: fc.uint8Array({ maxLength: 600 }) }),
  credit: record('credit', { id: u48, consumed: u48, limit: u48 }),
  fin: record('fin', { id: u48, position: u48, code }),
  reset: record('reset', { id: u48, code }),
  close: record('close', { id: u48, consumed: u48 }),
  resume: record('resume', { id: u48, ...numbers }),
  resync: record('resync', { id: u48 }),
  hold: record('hold', { id: u48 }),
  void: record('void', { id: u48 }),
}

export const arbitraryFrame: fc.Arbitrary<Frame> = fc.oneof(
  ...(Object.values(arbitraries) as fc.Arbitrary<Frame>[]),
)

function hasControl(text: string): boolean {
  return [...text].some((letter) => letter < ' ' || letter === '\u007f')
}

/** Bytes from a hexadecimal text, blanks ignored. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  )
}
