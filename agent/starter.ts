/**
 * The agent.yaml that a new agent begins with: it runs as it is, and offers nothing.
 *
 * Invariant: it loads, and each commented line is one that would load (test/agent/starter.test.ts
 * takes the marks away and tries).
 */

/** What is known when the file is written. */
export interface AgentStart {
  /** `relay.example.com` or `relay.example.com:8443`. */
  readonly relay: string
  readonly name: string
}

/** The commented file for an agent of this name. */
export function starterAgentYaml({ relay, name }: AgentStart): string {
  return `# yaml-language-server: $schema=./agent.schema.json
# After each change: sallyport agent --check
relay: ${relay}  # or a list, the best first: [${relay}, …]
name: ${name}  # must equal the certificate

# The only addresses that this agent will ever dial; the relay cannot widen it:
# expose:
#   mqtt: 127.0.0.1:1883
#   ldap:  # a name is looked up, and the address judged before it is dialled
#     target: ldap.plant.internal:389
#     within: [10.1.0.0/16]

# Local addresses that lead to services of other agents:
# forward:
#   127.0.0.1:5432: plant-2/postgres
`
}
