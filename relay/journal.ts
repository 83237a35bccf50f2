/**
 * The relay's journal: what the switch tells, as lines that a person can act on.
 *
 * Invariant: one line for each stream that ended, one for each that was refused, with its code;
 * one for each change of a link. Nothing per frame.
 */
import type { Log } from '../shared/io/log.ts'
import { type FaultCode, faults } from '../shared/protocol/fault.ts'
import { attributeTags, type FrameOf } from '../shared/protocol/frame.ts'
import type { SwitchNotice } from './switch/link.ts'
import type { Route } from './switch/route.ts'

const decoder = new TextDecoder()

/** Codes with which a stream ends as its applications wanted. */
const orderly: ReadonlySet<FaultCode> = new Set(['end', 'connection_reset', 'closed'])

/** Writes one notice of the switch. */
export function record(log: Log, notice: SwitchNotice): void {
  switch (notice.kind) {
    case 'linkUp': {
      const { identity, lane, port, attempt } = notice.link
      const how = notice.resumed ? 'link resumed' : 'link up'
      return log.info(how, { peer: identity, lane, streams: port.legs.size, attempt })
    }
    case 'linkDown': {
      const { identity, lane, port } = notice.link
      const fields = { peer: identity, lane, streams: port.legs.size, code: 'carrier_lost' }
      if (notice.isHere) return log.info(`a carrier of ${identity} is lost: others serve`, fields)
      return log.warn(`${identity} is away: its streams are held`, fields)
    }
    case 'linkOver': {
      const { link, code } = notice
      const message = `the link of ${link.identity} is over: ${faults[code].says}`
      return log.info(message, { peer: link.identity, code })
    }
    case 'displaced': {
      const { identity } = notice.link
      const advice = 'the newest wins; two machines with one key?'
      return log.warn(`${identity} connected again while it was alive: ${advice}`, {
        peer: identity,
        code: 'displaced',
      })
    }
    case 'routed':
      return
    case 'refused':
      return log.warn(`refused: ${notice.reason}`, {
        ...openFields(notice.open),
        code: notice.code,
      })
    case 'ended':
      return recordEnd(log, notice.route, notice.code)
    default:
      notice satisfies never
  }
}

function recordEnd(log: Log, route: Route, code: FaultCode): void {
  const fields = {
    ...openFields(route.open),
    rule: route.admitted.allowed.rule.rule,
    bytesIn: route.opener.incoming.cursor,
    bytesOut: route.opener.outgoing.cursor,
    code,
  }
  if (orderly.has(code)) log.info('stream ended', fields)
  else log.warn(`stream to ${route.open.to} ended: ${faults[code].says}`, fields)
}

function openFields({ to, from, key, attributes }: FrameOf<'open'>) {
  const source = attributes.find(({ tag }) => tag === attributeTags.source)
  const client = source === undefined ? {} : { 'client.address': decoder.decode(source.value) }
  return { service: to, from, stream: key, ...client }
}
