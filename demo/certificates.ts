/**
 * The demo's own certificate authority, made for one run and thrown away with it.
 *
 * Invariant: what is told of the certificates was read back from the disk and verified.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { initStore, issuePair, type Store } from '../certs/store.ts'
import { Fault } from '../shared/protocol/fault.ts'

/** The name that the relay is dialled by, and the names of the agents. */
export const relayName = 'localhost'
export const plantName = 'plant-1'
export const officeName = 'office-1'

/** Makes the authority below the folder, and a pair for everybody in the story. */
export async function makeCertificates(folder: string): Promise<Store> {
  const directory = join(folder, 'pki')
  const store = await initStore({ directory, trustDomain: 'demo.internal', now: () => new Date() })
  const reached = { dnsNames: [relayName], ipAddresses: ['127.0.0.1'] }
  const pairs = [await issuePair(store, { role: 'relay', name: relayName, ...reached })]
  for (const name of [plantName, officeName]) {
    pairs.push(await issuePair(store, { role: 'agent', name }))
  }
  for (const { certificateFile, keyFile } of pairs) {
    await verifyPair(store.authority, certificateFile, keyFile)
  }
  return store
}

async function verifyPair(
  authority: X509Certificate,
  certificateFile: string,
  keyFile: string,
): Promise<void> {
  const leaf = new X509Certificate(await readFile(certificateFile))
  const isIssued = leaf.checkIssued(authority) && leaf.verify(authority.publicKey)
  const isPair = leaf.checkPrivateKey(createPrivateKey(await readFile(keyFile)))
  const isSecret = ((await stat(keyFile)).mode & 0o077) === 0
  if (isIssued && isPair && isSecret) return
  throw new Fault('promise_broken', `${certificateFile} does not verify, or its key is no secret.`)
}
