/**
 * What really broke systems like this one, and that each of it has a test here which names it.
 *
 * An id stands in the title of its tests, or in the name of a case of a table: `grep -rn "W7" test`
 * finds them.
 */
import test from 'ava'
import { textFiles } from '../support/sources.ts'

/**
 * The failures by id: T of identity, R of streams, W of WebSockets, X of exhaustion, P, S; B of the
 * gateway and the todo list that went before.
 */
const failures = {
  T3: 'accepted because some certificate of the chain was genuine (GHSA-mrpr-756c-xm47)',
  T4: 'identity looked for in the whole chain (GHSA-hhm9-wf63-g7qj)',
  T5: 'a header skipped the certificate check (GHSA-cc5m-7mhm-xh9f)',
  T6: 'identity by matching the subject as text (CVE-2026-33248)',
  T7: 'NUL in a SAN cut the name (CVE-2025-66220)',
  T8: 'the text of a SAN injected another (CVE-2021-44531)',
  T14: 'an error of a TLS socket without a listener ended the process (CVE-2025-59465)',
  R1: "identity taken from a peer's own words (GHSA-7868-235p-7497)",
  R2: 'messages cut away at the start unnoticed (CVE-2023-48795)',
  R3: 'acknowledgements for what was never sent believed (CVE-2025-4820)',
  R4: 'bytes beyond the window panicked (CVE-2026-32314)',
  R5: 'gaps filled a buffer without end (RUSTSEC-2026-0185)',
  R6: 'empty frames queued without end (RUSTSEC-2026-0258)',
  R7: 'a one-off right used twice by racing requests (TS-2025-007)',
  R8: 'a drop during a handover was not resumed (databricks/cli#6650)',
  R9: 'a second client of the same name did not end the first (codepr/sol#17)',
  R10: 'a resumption failed after a change of address (EternalTerminal#169)',
  R11: 'resumable sessions never expired (dev-tunnels-ssh)',
  W1: 'more headers than counted crashed (CVE-2024-37890)',
  W2: 'tiny fragments exhausted memory (CVE-2026-48779)',
  W3: 'a close told uninitialised memory (ws 8.20.1)',
  W4: 'slow expressions and prototypes in handshake headers (CVE-2021-32640)',
  W5: 'a 64-bit length overflowed (CVE-2026-27889)',
  W6: 'compression bombs before authentication (CVE-2026-1526)',
  W7: 'a bad handshake answer killed the client (CVE-2026-2229)',
  W8: 'a header __proto__ threw (CVE-2026-21710)',
  W9: 'an upgrade on the path of a disabled feature panicked (NATS dc6827ade)',
  W10: 'a body and an upgrade desynchronised (CVE-2026-33555)',
  W11: 'a WebSocket from a page of another site (CVE-2025-24010)',
  X1: 'whole bodies read before authentication (GHSA-q8g9-jc4c-jp6q)',
  X2: 'most of a large first packet, then silence (NATS 54b75d512)',
  X3: 'memory by the length field of a first packet (CVE-2023-0809)',
  X4: 'control frames before authentication queued without end (CVE-2025-26466)',
  X5: 'an old hole came back in the login time-out (CVE-2024-6387)',
  X6: 'header compression bombs (CVE-2026-49975)',
  X7: 'sends to slow readers filled the memory off the heap (relay-ide#1250)',
  X8: 'a herd after a restart (teleport#6889)',
  P1: 'the list checked at the handshake, not at each channel (GHSA-24fp-5v3p-rvpw)',
  S1: 'the tunnel server reached anything behind agents (GHSA-hw4x-mcx5-9q36)',
  B1: 'checking any entry of the list reset every device',
  B2: 'a change of an unknown entry killed the server, or removed the last one',
  B3: 'what was no JSON killed the server',
  B4: 'each further click lit the light and changed the entry again',
  B5: 'answers and broadcasts went by whoever had connected last',
  B6: 'after each reconnect messages were handled once more, and those of longer topics, too',
  B7: 'a lost broker was never found again, and an undeclared exchange closed the channel',
  B8: 'a device that was away never learned its light, and a server that restarted forgot all',
  B9: 'who closed the page while busy locked an entry for ever',
  B10: 'clearing was local, and marking all a message for each entry',
  B11: 'one id had four names',
  B12: 'consumers were accepted without an agent, and hung',
  B13: 'behind a proxy that reads TLS the agent had only a status of 400 to show',
  B14: 'typing errors in the configuration showed at the first connection',
  S3: 'spellings of an address called public (CVE-2024-29415)',
} as const

const comment = /^\s*(?:\/?\*|\/\/).*$/gm
const quoted = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g

/** Everything that stands in quotes in the tests. */
const texts = textFiles()
  .filter(({ path }) => /^test\/.*\.test\.ts$/.test(path) && path !== 'test/docs/failures.test.ts')
  .flatMap(({ text }) => text.replace(comment, '').match(quoted) ?? [])

for (const [id, what] of Object.entries(failures)) {
  test(`${id} has a test: ${what}`, (t) => {
    const named = new RegExp(`\\b${id}\\b`)
    t.true(texts.some((text) => named.test(text)))
  })
}
