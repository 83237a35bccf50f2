/** Tests of the revocation list: what is believed or refused, and that changes are noticed. */
import { X509Certificate } from 'node:crypto'
import { rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createAuthority, listRevocations } from '../../../certs/authority.ts'
import { extensions } from '../../../certs/certificate.ts'
import type { Revocation } from '../../../certs/crl.ts'
import * as write from '../../../certs/der.ts'
import { subjectOf } from '../../../shared/io/certificate.ts'
import {
  loadRevocations,
  parseRevocations,
  revocationFileBytesMax,
  watchRevocations,
} from '../../../shared/io/revocation.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { processorWatch } from '../../support/processor.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { within } from '../../support/within.ts'

const now = new Date('2026-11-22T12:00:00Z')
const dayMs = 86_400_000
const { authority } = createAuthority({ trustDomain: 'example.com', now })
const { certificate: issuer } = authority
const stranger = createAuthority({ trustDomain: 'example.com', now }).authority

function revocation(serialNumber: string): Revocation {
  return { serialNumber, revokedAt: now, reason: 'keyCompromise' }
}

const serials = ['5994EC34E228F42321F807CE04992721', 'FF', '01']
const good = listRevocations(authority, { revocations: serials.map(revocation), number: 7n }, now)

test('reads the serial numbers, the number and the dates of a list', (t) => {
  const list = parseRevocations(good, issuer, now)
  t.deepEqual(list.serialNumbers, new Set(serials))
  t.is(list.number, 7n)
  t.deepEqual(list.nextUpdate, new Date('2026-12-22T12:00:00Z'))
  t.true(list.thisUpdate < now)
  t.false(list.stale)
})

test('reads an empty list', (t) => {
  const pem = listRevocations(authority, { revocations: [], number: 1n }, now)
  t.is(parseRevocations(pem, issuer, now).serialNumbers.size, 0)
})

test('K6: a list past its time still revokes, and says that it is stale', (t) => {
  const list = parseRevocations(good, issuer, new Date(now.getTime() + 31 * dayMs))
  t.true(list.stale)
  t.deepEqual(list.serialNumbers, new Set(serials))
})

test('an absent, unreadable or endless file is an error that names it', async (t) => {
  await using folder = await temporaryFolder()
  const endless = join(folder.path, 'endless.pem')
  await writeFile(endless, good)
  await truncate(endless, revocationFileBytesMax + 1)
  for (const file of [join(folder.path, 'absent.pem'), folder.path, endless]) {
    const error = await t.throwsAsync(load(file), { instanceOf: Fault })
    t.is((error as Fault).code, 'file_unreadable')
    t.true(error.message.includes(file))
  }
})

test('a file that is no list of this authority is an error that names it', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'crl.pem')
  const body = good.split('\n').slice(1, -2).join('')
  for (const text of [
    '',
    'no PEM',
    issuer.toString(),
    good + good,
    good.slice(0, -40),
    good.replaceAll('X509 CRL', 'CERTIFICATE'),
    good.replace(body.slice(0, 64), ''),
    '-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n',
  ]) {
    await writeFile(file, text)
    const error = await t.throwsAsync(load(file), { instanceOf: Fault })
    t.is((error as Fault).code, 'revocations_invalid')
    t.true(error.message.startsWith(`${file} cannot be trusted: `))
  }
})

test('text around the list does no harm', (t) => {
  const windows = good.replaceAll('\n', '\r\n')
  const text = `Certificate Revocation List (CRL):\n    Version 2\n${windows}end\n`
  t.is(parseRevocations(text, issuer, now).serialNumbers.size, serials.length)
})

test('C4: a list with any one bit flipped is refused', (t) => {
  const body = Buffer.from(good.split('\n').slice(1, -2).join(''), 'base64')
  for (let bit = 0; bit < body.length * 8; bit += 1) {
    const flipped = Buffer.from(body)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const believed = isBelieved(pemOf(flipped))
    if (believed) t.fail(`bit ${bit} does not matter`)
  }
  t.true(isBelieved(pemOf(body)))
})

test('a list that another key signed is refused, whatever it calls itself', (t) => {
  const foreign = listRevocations(stranger, { revocations: [], number: 9n }, now)
  t.throws(() => parseRevocations(foreign, issuer, now), { message: /not of this authority/ })
})

/** A well-signed list of which one part is not as it should be. */
function listWith(parts: {
  readonly issuerName?: Uint8Array
  readonly algorithm?: string
  readonly nextUpdate?: readonly write.Element[]
  readonly entries?: readonly write.Element[]
  readonly extensionList?: readonly write.Element[]
}): string {
  const { issuerName = subjectOf(issuer), algorithm, entries = [], extensionList } = parts
  const signed = write.sequence(
    write.integer(1n),
    algorithm === undefined
      ? write.signatureAlgorithm()
      : write.sequence(write.identifier(algorithm)),
    write.copied(issuerName),
    write.time(now),
    ...(parts.nextUpdate ?? [write.time(new Date(now.getTime() + dayMs))]),
    ...(entries.length === 0 ? [] : [write.sequence(...entries)]),
    ...(extensionList === undefined ? [] : [write.explicit(0, write.sequence(...extensionList))]),
  )
  return write.signedPem('X509 CRL', signed, authority.key)
}

const critical = write.extension('2.5.29.27', write.integer(1n), true)
const plain = write.sequence(write.extension('2.5.29.21', write.enumerated(1)))
const halfLists: Readonly<Record<string, readonly [pem: string, message: RegExp]>> = {
  'of another issuer': [
    listWith({ issuerName: write.bytesOf(write.sequence()) }),
    /of another issuer/,
  ],
  'with two algorithms': [listWith({ algorithm: '1.2.840.10045.4.3.3' }), /two algorithms/],
  'without an end': [listWith({ nextUpdate: [] }), /tag/],
  'of changes only (deltaCRLIndicator)': [
    listWith({ extensionList: [critical] }),
    /critical extension 2\.5\.29\.27/,
  ],
  'with something critical behind its number': [
    listWith({
      extensionList: [write.extension(extensions.crlNumber, write.integer(1n)), critical],
    }),
    /critical extension 2\.5\.29\.27/,
  ],
  'with a critical entry': [
    listWith({
      entries: [write.sequence(write.integer(1n), write.time(now), write.sequence(critical))],
    }),
    /critical extension/,
  ],
  'with an entry without a date': [
    listWith({ entries: [write.sequence(write.integer(1n))] }),
    /tag/,
  ],
  'with something behind the extensions of an entry': [
    listWith({ entries: [write.sequence(write.integer(1n), write.time(now), plain, plain)] }),
    /left over/,
  ],
}

for (const [what, [pem, message]] of Object.entries(halfLists)) {
  test(`a list ${what} is refused, though its signature holds`, (t) => {
    t.throws(() => parseRevocations(pem, issuer, now), { message })
  })
}

test('a list without extensions has no number', (t) => {
  t.is(parseRevocations(listWith({}), issuer, now).number, undefined)
  const number = write.extension(extensions.crlNumber, write.integer(300n))
  t.is(parseRevocations(listWith({ extensionList: [number] }), issuer, now).number, 300n)
})

test('K2: a list nested 10,000 deep is refused at once', (t) => {
  let nested = Buffer.alloc(0)
  for (let depth = 0; depth < 10_000; depth += 1) {
    const length = nested.length
    const long = length < 128 ? [length] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
    const short = length > 127 && length < 256 ? [0x81, length] : long
    const minimal = length > 255 && length < 65_536 ? [0x82, length >> 8, length & 0xff] : short
    nested = Buffer.concat([Buffer.of(0x30, ...minimal), nested])
  }
  const computedMs = processorWatch()
  t.throws(() => parseRevocations(pemOf(nested), issuer, now))
  t.log(computedMs())
  t.true(computedMs() < 200)
})

test('100,000 revoked serial numbers are read within a second', (t) => {
  const many = Array.from({ length: 100_000 }, (_, index) =>
    revocation(`40${index.toString(16).padStart(30, '0').toUpperCase()}`),
  )
  const pem = listRevocations(authority, { revocations: many, number: 1n }, now)
  const computedMs = processorWatch()
  t.is(parseRevocations(pem, issuer, now).serialNumbers.size, many.length)
  t.log(computedMs())
  t.true(computedMs() < 1000)
})

const intervalMs = 5

test('notices a renamed, a rewritten and a removed file, and a swapped link', async (t) => {
  await using folder = await temporaryFolder()
  const at = (name: string): string => join(folder.path, name)
  await writeFile(at('crl.pem'), 'first')
  const changes = new Changes()
  const ending = new AbortController()
  const watching = watchRevocations(at('crl.pem'), changes.note, ending.signal, intervalMs)

  // Renamed at once: what comes right after the call counts already.
  await writeFile(at('next.pem'), 'other')
  // A file system may tell no times apart that are nearer than its clock ticks.
  await utimes(at('next.pem'), 0, 0)
  await rename(at('next.pem'), at('crl.pem'))
  await changes.until(1)
  await writeFile(at('crl.pem'), 'third')
  await changes.until(2)
  await rm(at('crl.pem'))
  await changes.until(3)
  await writeFile(at('one.pem'), 'one')
  await writeFile(at('two.pem'), 'two')
  await symlink('one.pem', at('crl.pem'))
  await changes.until(4)
  await symlink('two.pem', at('swapped'))
  await rename(at('swapped'), at('crl.pem'))
  await changes.until(5)

  ending.abort()
  await within('end of watching', watching)
  t.pass()
})

test('one change is told once, and a failing listener ends the watching', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'crl.pem')
  await writeFile(file, 'first')
  let calls = 0
  const failing = watchRevocations(
    file,
    async () => {
      calls += 1
      throw new Error('the listener failed')
    },
    new AbortController().signal,
    intervalMs,
  )
  await writeFile(`${file}.next`, 'next')
  await rename(`${file}.next`, file)
  await t.throwsAsync(within('failure', failing), { message: 'the listener failed' })
  t.is(calls, 1)
})

test('a watch that is ended already ends at once', async (t) => {
  await within(
    'end',
    watchRevocations('/absent', () => t.fail(), AbortSignal.abort(), intervalMs),
  )
  t.pass()
})

/** Counts calls, so that a test waits for the n-th instead of for a time. */
class Changes {
  #count = 0
  #wake = (): void => {}

  readonly note = (): void => {
    this.#count += 1
    this.#wake()
  }

  async until(count: number): Promise<void> {
    while (this.#count < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await within(`change ${count}`, promise)
    }
  }
}

function load(file: string) {
  return loadRevocations({ file, authority: new X509Certificate(issuer.raw), now: () => now })
}

function pemOf(der: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`
}

function isBelieved(pem: string): boolean {
  try {
    parseRevocations(pem, issuer, now)
    return true
  } catch {
    return false
  }
}
