/** What the switch tells its relay, for the log and the status; nothing per frame. */
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { FrameOf } from '../../shared/protocol/frame.ts'
import type { RelayLink } from './link.ts'
import type { Route } from './route.ts'

/** What becomes of streams. */
export type RoutingNotice =
  | { readonly kind: 'routed'; readonly route: Route }
  | {
      readonly kind: 'refused'
      readonly open: FrameOf<'open'>
      readonly code: FaultCode
      readonly reason: string
    }
  | { readonly kind: 'ended'; readonly route: Route; readonly code: FaultCode }

/** And of links. */
export type SwitchNotice =
  | RoutingNotice
  | { readonly kind: 'linkUp'; readonly link: RelayLink; readonly resumed: boolean }
  /** `isHere`: another link of the agent is up, and streams go by that. */
  | { readonly kind: 'linkDown'; readonly link: RelayLink; readonly isHere: boolean }
  | { readonly kind: 'linkOver'; readonly link: RelayLink; readonly code: FaultCode }
  | { readonly kind: 'displaced'; readonly link: RelayLink }
