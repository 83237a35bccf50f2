/**
 * What `relay init` and `agent init` do: they write the files that a relay or an agent begins with.
 *
 * Invariant: nothing is ever overwritten, and each names the next command. They stand here because
 * they join what must not know each other: the relay's file and the authority.
 */
import { writeFile } from 'node:fs/promises'
import { agentSchema } from '../agent/config.ts'
import { type AgentStart, starterAgentYaml } from '../agent/starter.ts'
import { initStore, issuePair, pairPaths } from '../certs/store.ts'
import { relaySchema } from '../relay/config.ts'
import { starterRelayYaml } from '../relay/starter.ts'
import { isName } from '../shared/identity.ts'
import type { JsonSchema } from '../shared/io/config/schema.ts'
import { isHostName } from '../shared/io/config/values.ts'
import { Fault } from '../shared/protocol/fault.ts'

/** Writes relay.yaml, its schema and an authority with the relay's certificate, in this folder. */
export async function initRelay(name: string, wanted: string | undefined): Promise<void> {
  if (!isHostName(name) || !isName(name)) throw noHostName(name)
  const trustDomain = wanted ?? parentDomain(name)
  await writeNew('relay', 'relay.yaml', starterRelayYaml(name))
  await writeNew('relay', 'relay.schema.json', schemaText(relaySchema()))
  const store = await initStore({ directory: 'pki', trustDomain, now: () => new Date() })
  await issuePair(store, { role: 'relay', name, dnsNames: [name], ipAddresses: [] })
  const { certificateFile } = pairPaths(store, 'relay', name)
  say([
    'wrote relay.yaml (it denies everybody), relay.schema.json, pki/ (keys 0600)',
    `trust domain ${trustDomain}; the relay's certificate is ${certificateFile}`,
    'next: sallyport certs issue agent plant-1     then edit relay.yaml, and: sallyport relay',
  ])
}

/** Writes agent.yaml and its schema, in this folder. */
export async function initAgent(start: AgentStart): Promise<void> {
  await writeNew('agent', 'agent.yaml', starterAgentYaml(start))
  await writeNew('agent', 'agent.schema.json', schemaText(agentSchema()))
  const files = `pki/agent/${start.name}/ and pki/ca/certificate.pem`
  say([
    'wrote agent.yaml (it exposes nothing), agent.schema.json',
    `next: put ${files} beside it, edit it, and: sallyport agent`,
  ])
}

async function writeNew(command: 'relay' | 'agent', file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    if (!exists) throw new Fault('file_unwritable', `${file} cannot be written.`, { cause })
    const message = `${file} is there already, and nothing is overwritten.`
    throw new Fault('file_exists', `${message} Check it: sallyport ${command} --check`, { cause })
  }
}

function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** relay.example.com belongs to example.com; a shorter name stands for itself. */
function parentDomain(name: string): string {
  const parts = name.split('.')
  return parts.length > 2 ? parts.slice(1).join('.') : name
}

function noHostName(name: string): Fault {
  const message = `"${name}" is not the name of a host: lower case, at most 63 characters.`
  const address = 'For agents that dial an address: sallyport certs issue relay NAME --ip ADDRESS'
  return new Fault('name_invalid', `${message} ${address}`)
}

function say(lines: readonly string[]): void {
  process.stderr.write(`  ${lines.join('\n  ')}\n`)
}
