/**
 * The relay.yaml that `relay init NAME` writes: it runs as it is, and denies everybody.
 *
 * Invariant: it loads, it says no default twice, and each commented line is one that would load
 * (test/relay/starter.test.ts takes the marks away and tries).
 */

/** The commented file for a relay of this name. */
export function starterRelayYaml(name: string): string {
  return `# yaml-language-server: $schema=./relay.schema.json
# Written by: sallyport relay init.  After each change: sallyport relay --check
name: ${name}  # what agents dial, what the certificate says
listen: 0.0.0.0:443  # agents and browsers, one port
admin: 127.0.0.1:9470  # health and status, for this machine only

# What agents expose, and how consumers come in:
# services:
#   plant-1/mqtt:
#     tcp: 0.0.0.0:1883  # unmodified clients
#     websocket: /mqtt  # browsers, on pages of these origins only
#     origins: [https://todo.example.com]
#   plant-1/ldap: {}  # no way in: only the forwards of other agents

# Who may reach what. Whatever no rule allows is denied; until there is one, that is everything:
# policy:
#   - rule: apps use the broker
#     from: [10.0.0.0/16, client/crm]
#     to: [plant-1/mqtt]

# Tests of the policy, run before it is used; a false one refuses the whole file:
# expect:
#   - allow client/crm -> plant-1/mqtt
#   - deny 192.0.2.1 -> plant-1/mqtt
`
}
