/**
 * A network namespace for one agent, joined to the world by two veth pairs, and the faults that its
 * kernel can make.
 *
 * Invariant: only the pair towards the relays fails. A fault says nothing to either side: what is
 * dropped is dropped on the wire, so that both kernels believe that they have sent it.
 */
import { programPath } from '../support/installed.ts'
import { Child, run } from '../support/process.ts'
import type { Site } from '../support/site.ts'

/** Which packets are lost: those of the agent, those to it, or both. */
export type Lost = 'out' | 'in' | 'both'

/** Whose packets: by the port of a relay's proxy, and by the agent's own port; by default all. */
export interface Flow {
  readonly relayPort?: number
  readonly agentPort?: number
}

const uplink = 'uplink'
const local = 'local'
/** How many addresses the agent may have, one after the other, in its /24. */
const addressesMax = 250

export class NamespaceSite implements Site, AsyncDisposable {
  readonly enter: readonly string[]
  readonly relayHost: string
  readonly targetHost: string
  readonly forwardHost: string
  readonly #holder: Child
  readonly #index: number
  #addresses = 0

  private constructor(holder: Child, index: number) {
    this.#holder = holder
    this.#index = index
    this.enter = [programPath('nsenter'), `--net=/proc/${holder.pid}/ns/net`, '--']
    this.relayHost = `10.201.${index}.1`
    this.targetHost = `10.202.${index}.1`
    this.forwardHost = `10.202.${index}.2`
  }

  /** Makes the namespace of this number, with its cables plugged in. */
  static async make(index: number): Promise<NamespaceSite> {
    // It lives as long as a process in it; this one says when it is there.
    const hold = ['--net', 'sh', '-c', 'echo held; exec sleep infinity']
    await using starting = new AsyncDisposableStack()
    const holder = starting.use(new Child(programPath('unshare'), hold))
    await holder.waitForLine(/^held$/)
    const site = new NamespaceSite(holder, index)
    await site.#plugIn()
    starting.move()
    return site
  }

  /** Loses so many of a hundred of these packets from now on, without a word to anybody. */
  async lose(lost: Lost, flow: Flow = {}, ofHundred = 100): Promise<void> {
    const { relayPort, agentPort } = flow
    const match = (relay: string, agent: string): string => {
      const parts = [
        relayPort === undefined ? '' : `tcp ${relay} ${relayPort}`,
        agentPort === undefined ? '' : `tcp ${agent} ${agentPort}`,
      ]
      return parts.join(' ').trim() || 'meta protocol ip'
    }
    const share = ofHundred < 100 ? ` numgen random mod 100 < ${ofHundred}` : ''
    const rule = (what: string): string => `add rule netdev ${this.#hole} wire ${what}${share} drop`
    if (lost !== 'in') await this.#nft('outside', rule(match('dport', 'sport')))
    if (lost !== 'out') await this.#nft('inside', rule(match('sport', 'dport')))
  }

  /** The wire is whole again. */
  async heal(): Promise<void> {
    await this.#nft('outside', `flush table netdev ${this.#hole}`)
    await this.#nft('inside', `flush table netdev ${this.#hole}`)
  }

  /** Pulls the cable, as the agent's kernel sees it. */
  async linkDown(): Promise<void> {
    await this.#ip('inside', `link set ${uplink} down`)
  }

  async linkUp(): Promise<void> {
    await this.#ip('inside', `link set ${uplink} up`)
  }

  /** Takes the agent's address away and gives it another one: the old carriers lead nowhere. */
  async changeAddress(): Promise<void> {
    const before = this.#address
    this.#addresses = (this.#addresses + 1) % addressesMax
    await this.#ip(
      'inside',
      `address del ${before}/24 dev ${uplink}`,
      `address add ${this.#address}/24 dev ${uplink}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]()
  }

  get #address(): string {
    return `10.201.${this.#index}.${2 + this.#addresses}`
  }

  get #hole(): string {
    return `hole-${this.#index}`
  }

  async #plugIn(): Promise<void> {
    const [out, plant] = [`out${this.#index}`, `plant${this.#index}`]
    const inside = `netns ${this.#holder.pid}`
    await this.#ip(
      'outside',
      `link add ${out} type veth peer name ${uplink} ${inside}`,
      `link add ${plant} type veth peer name ${local} ${inside}`,
      `address add ${this.relayHost}/24 dev ${out}`,
      `address add ${this.targetHost}/24 dev ${plant}`,
      `link set ${out} up`,
      `link set ${plant} up`,
    )
    await this.#ip(
      'inside',
      'link set lo up',
      `address add ${this.#address}/24 dev ${uplink}`,
      `address add ${this.forwardHost}/24 dev ${local}`,
      `link set ${uplink} up`,
      `link set ${local} up`,
    )
    const wire = (device: string): readonly string[] => {
      const hook = `{ type filter hook ingress device ${device} priority 0; }`
      return [`add table netdev ${this.#hole}`, `add chain netdev ${this.#hole} wire ${hook}`]
    }
    await this.#nft('outside', ...wire(out))
    await this.#nft('inside', ...wire(uplink))
  }

  async #ip(side: 'inside' | 'outside', ...commands: readonly string[]): Promise<void> {
    await this.#run(side, [programPath('ip'), '-batch', '-'], commands)
  }

  async #nft(side: 'inside' | 'outside', ...commands: readonly string[]): Promise<void> {
    await this.#run(side, [programPath('nft'), '-f', '-'], commands)
  }

  async #run(
    side: 'inside' | 'outside',
    command: readonly string[],
    lines: readonly string[],
  ): Promise<void> {
    const [program = '', ...args] = side === 'inside' ? [...this.enter, ...command] : command
    await run(program, args, { input: `${lines.join('\n')}\n` })
  }
}
