/**
 * A name for people in the place of an id of the machine: `swift heron`.
 *
 * Invariant: everybody sees the same name for the same id. It proves nothing, and two ids may share
 * one.
 */

/** The name of a client. */
export function nameOf(clientId: string): string {
  let hash = 2_166_136_261
  for (const character of clientId) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0
  }
  const manner = manners[hash % manners.length]
  const animal = animals[Math.floor(hash / manners.length) % animals.length]
  return `${manner} ${animal}`
}

const manners = [
  'amber',
  'bold',
  'brisk',
  'calm',
  'clever',
  'gentle',
  'golden',
  'keen',
  'merry',
  'mild',
  'patient',
  'quiet',
  'silver',
  'steady',
  'swift',
  'tidy',
  'witty',
] as const

const animals = [
  'badger',
  'beaver',
  'crane',
  'dolphin',
  'falcon',
  'finch',
  'fox',
  'hare',
  'heron',
  'ibex',
  'lark',
  'lynx',
  'marten',
  'otter',
  'owl',
  'puffin',
  'raven',
  'robin',
  'seal',
] as const
