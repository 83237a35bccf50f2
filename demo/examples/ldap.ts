/**
 * A CRM in the cloud asks the directory that stays on premises who may come in.
 *
 *     node demo/examples/ldap.ts          or: sallyport demo example ldap       (needs slapd)
 *
 * An agent beside the CRM forwards a local port, an agent beside the directory dials it; between
 * them is one TLS connection, and no port of the premises is open. The directory answers binds and
 * searches by its own rules: no hash of a password is ever given out, so there is none to lose in
 * the cloud.
 */
import { Client, InvalidCredentialsError } from 'ldapts'
import { linkReady } from '../agents.ts'
import { onFreePorts } from '../ports.ts'
import { type Directory, people, startDirectory } from './slapd.ts'
import { broken, type Example, performAsProgram, type Stage } from './stage.ts'

const service = 'plant-1/ldap'

export const ldap: Example = {
  about: 'LDAP: a CRM in the cloud, a directory that stays on premises',
  async play(stage) {
    const directory = await stage.step('on premises', async () => {
      const value = await startDirectory(stage)
      return [`slapd, ${Object.keys(people).length} people, 127.0.0.1 only`, value]
    })
    const port = await stage.step('tunnel', async () => {
      const value = await openTunnel(stage, directory)
      return [`127.0.0.1:${value} beside the CRM leads to ${service}`, value]
    })
    const crm = new Client({ url: `ldap://127.0.0.1:${port}`, timeout: 10_000 })
    try {
      await askDirectory(stage, crm, directory)
    } finally {
      await crm.unbind()
    }
  },
}

/** What a CRM asks when somebody logs in, and what it must not be told. */
async function askDirectory(stage: Stage, crm: Client, { base }: Directory): Promise<void> {
  const dn = `uid=ada,ou=people,${base}`
  await stage.step('wrong password', async () => {
    const refusal = await crm.bind(dn, 'guess').then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal instanceof InvalidCredentialsError) return ['refused by the directory', undefined]
    throw broken(`A wrong password was not refused: ${String(refusal)}`)
  })
  await stage.step('right password', async () => {
    await crm.bind(dn, people.ada.password)
    return ['accepted: the bind happened on premises', undefined]
  })
  await stage.step('search', async () => {
    const { searchEntries } = await crm.search(base, { filter: '(uid=ada)' })
    const [entry] = searchEntries
    const found = `${String(entry?.cn)}, ${String(entry?.title)}`
    if (found !== 'Ada Lovelace, buyer') throw broken(`The search found ${found}.`)
    return [`found ${found}`, undefined]
  })
  await stage.step('secrets', async () => {
    const options = { filter: '(objectClass=*)', attributes: ['userPassword'] }
    const { searchEntries } = await crm.search(base, options)
    const told = searchEntries.filter(({ userPassword = [] }) => userPassword.length > 0)
    if (told.length > 0) throw broken('The directory has given out hashes of passwords.')
    return ['not a single hash of a password was given out', undefined]
  })
}

async function openTunnel(stage: Stage, { port: target }: Directory): Promise<number> {
  for (const name of ['plant-1', 'crm-1']) await stage.issue('agent', name)
  const rule = { rule: 'the CRM asks the directory', from: ['agent/crm-1'], to: [service] }
  const relay = await stage.startRelay({ services: { [service]: {} }, policy: [rule] })
  const expose = { ldap: `127.0.0.1:${target}` }
  await linkReady(await stage.startAgent(relay, 'plant-1', { expose }))
  return await onFreePorts([0], async ([port = 0]) => {
    const forward = { [`127.0.0.1:${port}`]: service }
    await linkReady(await stage.startAgent(relay, 'crm-1', { forward }))
    return port
  })
}

if (import.meta.main) await performAsProgram(ldap)
