/**
 * The processes of the demo, together.
 *
 * Invariant: disposing ends every one of them, the last started first. One that ends although
 * nobody has ended it is noticed.
 */
import { fileURLToPath } from 'node:url'
import type { Fault } from '../shared/protocol/fault.ts'
import { Child, type ProcessPlan } from './child.ts'

export class Processes implements AsyncDisposable {
  readonly #folder: string
  readonly #signal: AbortSignal
  readonly #children: Child[] = []
  #whenOneFalls: (fault: Fault) => void = () => {}

  /** They run in the folder; waits for them end with the signal. */
  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder
    this.#signal = signal
  }

  /**
   * Waits until a process ends that nobody has ended; throws `promise_broken`, or as the signal.
   */
  async untilOneFalls(): Promise<never> {
    this.#signal.throwIfAborted()
    const { promise, reject } = Promise.withResolvers<never>()
    this.#whenOneFalls = reject
    this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { once: true })
    for (const child of this.children) void child.fallen.then(reject)
    return await promise
  }

  /** What was started so far, the newest life of each name. */
  get children(): readonly Child[] {
    return [...new Map(this.#children.map((child) => [child.name, child])).values()]
  }

  /** Starts a program. That it cannot be started shows in the first wait. */
  start(plan: ProcessPlan): Child {
    const child = new Child(plan, this.#folder, this.#signal)
    this.#children.push(child)
    void child.fallen.then((fault) => this.#whenOneFalls(fault))
    return child
  }

  /** Starts `sallyport` as a user would. */
  startSallyport(name: string, ...args: readonly string[]): Child {
    return this.start({ name, program: process.execPath, args: [entryPoint, ...args] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) await child.stop()
  }
}

const entryPoint = fileURLToPath(new URL('../bin/sallyport.js', import.meta.url))
