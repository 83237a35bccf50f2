/**
 * What befalls carriers that have just begun: a HELLO that comes when its carrier is long given up,
 * and a WELCOME that dies under way.
 *
 * Invariant: only while the world still has faults, and only in worlds that are made for it.
 */
import type { Carrier } from './network.ts'
import type { World } from './world.ts'

/** The agent gives the carrier up at once, perhaps with its life; its HELLO arrives some time. */
export function greetLate(world: World, carrier: Carrier): void {
  const { chance, clock, options } = world
  if (clock.now >= options.faultsUntilMs || !chance.happens(options.hellosLate)) return
  const { from } = carrier
  const life = from.epoch
  world.report.cuts += 1
  carrier.stall(chance.between(50, 4_000))
  clock.after(chance.between(1, 50), () => {
    if (from.epoch !== life || !carrier.agent.alive) return
    carrier.untold = true
    if (chance.happens(0.2)) from.restart(true)
    else carrier.agent.end()
  })
}

/** The relay has said WELCOME: the carrier is cut before it arrives. */
export function loseWelcome(world: World, carrier: Carrier): void {
  const { chance, clock, options, report } = world
  if (clock.now >= options.faultsUntilMs || !chance.happens(options.welcomesLost)) return
  report.cuts += 1
  clock.after(chance.between(0, carrier.delayMs), () => carrier.cut())
}
