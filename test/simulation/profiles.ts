/**
 * Kinds of worlds, each made for one corner of the protocol that chance alone would seldom meet.
 *
 * Invariant: a profile changes what is drawn and what befalls a world, never what is demanded.
 */
import type { Chance } from './chance.ts'
import type { FaultKind } from './faults.ts'
import type { Options } from './options.ts'

interface Profile {
  /** How many of all worlds are of this kind, beside the weights of the others. */
  readonly weight: number
  /** What is drawn otherwise than in any world. */
  readonly options: (chance: Chance) => Partial<Options>
}

/** Nothing but these befalls a world, in proportion to their weights. */
const nothingBut = (weights: Partial<Record<FaultKind, number>>): Partial<Options> => ({ weights })

/** Worlds that are harsh, calm, hostile or lossy are drawn among the mixed ones alone. */
const plain: Partial<Options> = { calm: false, hostile: false, loss: 0 }

const profiles: Readonly<Record<string, Profile>> = {
  /** Everything, as options.ts draws it. */
  mixed: { weight: 10, options: () => ({}) },
  /** Carriers die as they begin: HELLOs come late, and WELCOMEs never. */
  greetings: {
    weight: 3,
    options: (chance) => ({
      ...plain,
      ...nothingBut({ cut: 6, 'cut untold': 2, 'relay restart': 2, 'agent restart': 0.5 }),
      relays: chance.between(1, 2),
      welcomesLost: 0.3,
      hellosLate: 0.2,
      outageMsMax: 1_500,
    }),
  },
  /** Targets speak at once, and carriers are cut between ACCEPT and its answer. */
  talkers: {
    weight: 2,
    options: (chance) => ({
      ...plain,
      ...nothingBut({ cut: 8, 'cut untold': 1, stall: 1 }),
      relays: 1,
      relayWindowBytes: 700,
      windowBytes: 3_000,
      bytesMax: 4_000,
      delayMsMax: 40,
      isHasty: true,
      ambushCuts: 0.8,
      faultEveryMs: chance.pick([200, 600]),
    }),
  },
  /** More to say than the carriers take, through a switch that passes on little. */
  narrow: {
    weight: 2,
    options: (chance) => ({
      ...plain,
      ...nothingBut({ cut: 6, 'cut untold': 1, stall: 6, 'policy change': 1 }),
      relays: 1,
      streams: chance.between(4, 7),
      bytesMax: 16_000,
      windowBytes: 8_000,
      relayWindowBytes: chance.pick([700, 3_000, 8_000]),
      socketBytes: 1_500,
      delayMsMax: 40,
      isHasty: true,
    }),
  },
  /** Two relays, and agents that are away from one of them for long, or forbidden at one. */
  detours: {
    weight: 3,
    options: (chance) => ({
      ...plain,
      ...nothingBut({ cut: 4, partition: 4, 'policy change': 2, 'relay restart': 0.5 }),
      relays: 2,
      denials: 0.3,
      faultEveryMs: chance.pick([200, 600, 1_500]),
      outageMsMax: chance.pick([4_000, 12_000]),
    }),
  },
}

/** What a world is to draw otherwise than any other. */
export function drawProfile(chance: Chance): Partial<Options> {
  const all = Object.values(profiles)
  let left = chance.next() * all.reduce((sum, { weight }) => sum + weight, 0)
  for (const { weight, options } of all) {
    left -= weight
    if (left < 0) return options(chance)
  }
  return {}
}
