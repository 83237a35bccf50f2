/**
 * What only the whole of relay.yaml can show: two doors on one address, a rule about a service
 * that is not there, an expectation that does not hold.
 *
 * Invariant: a file that passes opens no door by accident, and every rule in it can do something.
 */
import { contains, parseAddress, parseNetwork } from '../../shared/address.ts'
import { checkExpectations } from '../../shared/expectation.ts'
import { guessOf } from '../../shared/io/config/complaint.ts'
import { reportedMax } from '../../shared/io/config/diagnostic.ts'
import type { Path } from '../../shared/io/config/document.ts'
import type { HostPort } from '../../shared/io/config/values.ts'
import type { CheckContext } from '../../shared/io/config.ts'
import { type Policy, parsePolicy } from '../../shared/policy.ts'
import type { RelayFile } from './schema.ts'

/** The policy of the file; every rule knows its line. */
export function policyOf(file: RelayFile, lineOf: CheckContext['lineOf']): Policy {
  return parsePolicy(
    file.policy.map(({ rule, from, to, limits }, index) => {
      const line = lineOf(['policy', index])
      return {
        rule,
        from,
        to,
        ...(limits?.streams !== undefined && { limits: { streams: limits.streams } }),
        ...(line !== undefined && { line }),
      }
    }),
  )
}

/** Complains about everything that does not go together. */
export function checkRelayFile(file: RelayFile, context: CheckContext): void {
  checkAdmin(file, context)
  checkDoors(file, context)
  checkRules(file, context)
  checkLimits(file, context)
  const policy = policyOf(file, context.lineOf)
  for (const { expectation, says } of checkExpectations(policy, file.expect).unmet) {
    context.complain(['expect', file.expect.indexOf(expectation)], says)
  }
}

function checkAdmin({ admin }: RelayFile, { complain }: CheckContext): void {
  if (isLoopback(admin.host)) return
  complain(['admin'], `${admin.host} is not a loopback address, and nobody proves who he is here`)
}

/** Each address to listen on, and each path, leads to one service. */
function checkDoors(file: RelayFile, { complain, lineOf }: CheckContext): void {
  const listeners: { readonly path: Path; readonly at: HostPort }[] = []
  const listen = (path: Path, at: HostPort): void => {
    const other = listeners.find((taken) => isSameListener(taken.at, at))
    if (other === undefined) listeners.push({ path, at })
    else
      complain(
        path,
        `port ${at.port} is taken by ${other.path[1] ?? other.path[0]}${line(other.path)}`,
      )
  }
  const line = (path: Path): string => {
    const number = lineOf(path)
    return number === undefined ? '' : ` (line ${number})`
  }
  listen(['admin'], file.admin)
  listen(['listen'], file.listen)
  const pathOwners = new Map<string, Path>()
  for (const [service, { tcp, websocket, origins }] of Object.entries(file.services)) {
    if (tcp !== undefined) listen(['services', service, 'tcp'], tcp)
    if (origins !== undefined && websocket === undefined) {
      complain(['services', service, 'origins'], 'without a websocket they mean nothing', 'key')
    }
    if (websocket === undefined) continue
    const here = ['services', service, 'websocket']
    const owner = pathOwners.get(websocket)
    if (owner === undefined) pathOwners.set(websocket, here)
    else complain(here, `${websocket} is taken by ${owner[1]}${line(owner)}`)
  }
}

function checkRules({ policy, services }: RelayFile, { complain }: CheckContext): void {
  const names = new Map<string, number>()
  let guesses = 0
  for (const [index, { rule, to }] of policy.entries()) {
    const namesake = names.get(rule)
    if (namesake === undefined) names.set(rule, index)
    else complain(['policy', index, 'rule'], `rule ${namesake + 1} has the same name`)
    for (const [entry, service] of to.entries()) {
      if (Object.hasOwn(services, service)) continue
      guesses += 1
      const guess = guesses > reportedMax ? '' : guessOf(service, Object.keys(services))
      complain(['policy', index, 'to', entry], `there is no service "${service}"${guess}`)
    }
  }
}

function checkLimits({ limits }: RelayFile, { complain }: CheckContext): void {
  if (limits.pendingPerSourceMax > limits.pendingHandshakesMax) {
    complain(['limits', 'pendingPerSourceMax'], 'more than pendingHandshakesMax')
  }
  if (limits.relayWindow > limits.memoryBudget) {
    complain(['limits', 'relayWindow'], 'more than memoryBudget')
  }
}

function isSameListener(one: HostPort, other: HostPort): boolean {
  if (one.port !== other.port || one.port === 0) return false
  return (
    isSameHost(one.host, other.host) || covers(one.host, other.host) || covers(other.host, one.host)
  )
}

function isSameHost(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)]
  if (a === undefined || b === undefined) return isLoopback(one) && isLoopback(other)
  return a.family === b.family && a.bits === b.bits
}

/** True for 0.0.0.0 over every IPv4 address, and for :: over every address there is. */
function covers(host: string, other: string): boolean {
  const address = parseAddress(host)
  return address?.bits === 0n && (address.family === 6 || parseAddress(other)?.family !== 6)
}

function isLoopback(host: string): boolean {
  const address = parseAddress(host)
  if (address === undefined) return host === 'localhost'
  return loopback.some((network) => network !== undefined && contains(network, address))
}

const loopback = ['127.0.0.0/8', '::1'].map(parseNetwork)
