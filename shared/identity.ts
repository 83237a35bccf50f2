/**
 * Who somebody is: a role and a name in a trust domain, as the URI of a certificate says it.
 *
 * Invariant: there is one spelling of each identity. What `parseIdentityUri` accepts, `identityUri`
 * prints again character by character; everything else (another case, a percent sign, a dot or a
 * slash too many, a control character) is not an identity at all. So names are compared with `===`
 * and nowhere matched as text.
 */
import assert from 'node:assert'

/** The closed list of roles; the role is the first segment of the URI's path. */
export const roles = ['relay', 'agent', 'client'] as const

/** What a certificate may be used as. */
export type Role = (typeof roles)[number]

/** An identity: who it is, and who vouches for it. */
export interface Identity {
  /** Lower-case, at most 255 characters: `example.com`. */
  readonly trustDomain: string
  readonly role: Role
  /** Unique within trust domain and role, at most 63 characters: `plant-1`. */
  readonly name: string
}

/** A service as people and OPEN frames name it: `plant-1/mqtt`. */
export interface ServiceName {
  /** The name of the agent that exposes the service. */
  readonly agent: string
  readonly service: string
}

/** The longest URI that an identity can have. */
export const identityUriCharactersMax: number = 'spiffe://'.length + 255 + '/client/'.length + 63

/** The URI of an identity, `spiffe://<trust domain>/<role>/<name>` (SPIFFE-ID, section 2). */
export function identityUri(identity: Identity): string {
  const { trustDomain, role, name } = identity
  assert(isTrustDomain(trustDomain) && isRole(role) && isName(name), 'an identity is well formed')
  return `spiffe://${trustDomain}/${role}/${name}`
}

/** The identity of a URI, or undefined when the text is not exactly one identity's URI. */
export function parseIdentityUri(text: string): Identity | undefined {
  if (text.length > identityUriCharactersMax) return undefined
  const [, trustDomain = '', path = ''] = /^spiffe:\/\/([^/]+)\/(.+)$/.exec(text) ?? []
  const named = parseIdentityName(path)
  return named !== undefined && isTrustDomain(trustDomain) ? { trustDomain, ...named } : undefined
}

/** The identity as people write it within one trust domain: `agent/plant-1`. */
export function identityName({ role, name }: Omit<Identity, 'trustDomain'>): string {
  return `${role}/${name}`
}

/** Role and name of `agent/plant-1`, or undefined when the text is not of that form. */
export function parseIdentityName(text: string): Omit<Identity, 'trustDomain'> | undefined {
  const [role = '', name = '', ...more] = text.split('/', 3)
  return more.length === 0 && isRole(role) && isName(name) ? { role, name } : undefined
}

/** Agent and service of `plant-1/mqtt`, or undefined when the text is not of that form. */
export function parseServiceName(text: string): ServiceName | undefined {
  const [agent = '', service = '', ...more] = text.split('/', 3)
  return more.length === 0 && isName(agent) && isName(service) ? { agent, service } : undefined
}

/** True for 1 to 63 of `a-z 0-9 . _ -` that begin with a letter or digit and end without a dot. */
export function isName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$/.test(text)
}

/** True for a lower-case trust domain of at most 255 characters whose labels are not empty. */
export function isTrustDomain(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(text)
}

/** True for a word of the closed list of roles. */
export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text)
}
