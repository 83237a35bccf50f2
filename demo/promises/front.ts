/** Promise: nobody drives the demo's pages from another site, nor by another name (W11, A1). */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Front } from '../front.ts'
import { waitFor } from '../waiting.ts'

const withinMs = 30_000

/** A page of another site asks for a cut; then somebody was led here by a name of his own. */
export async function foreignSiteIsRefused({ port }: Front, signal: AbortSignal): Promise<string> {
  const host = `localhost:${port}`
  const elsewhere = 'https://elsewhere.example'
  const attempts = [
    { method: 'POST', path: '/path/break/cut', headers: { host, origin: elsewhere }, status: 403 },
    { method: 'POST', path: '/path/break/cut', headers: { host }, status: 403 },
    { method: 'GET', path: '/', headers: { host: 'rebound.example' }, status: 421 },
  ] as const
  for (const { status, ...attempt } of attempts) {
    const asked = request({ host: '127.0.0.1', port, agent: false, ...attempt }).end()
    const answer = once(asked, 'response') as Promise<[IncomingMessage]>
    const patience = { withinMs, signal }
    const [{ statusCode }] = await waitFor('an answer of the front', patience, answer)
    asked.destroy()
    if (statusCode === status) continue
    const what = `${attempt.method} ${attempt.path} for ${JSON.stringify(attempt.headers)}`
    throw new Fault('promise_broken', `${what} was answered ${statusCode}, not ${status}.`)
  }
  return `a click from ${elsewhere}: refused, 403; by a foreign name: 421`
}
