/**
 * The rooms of the house and the arrows between them: who may import whom.
 *
 * Invariant: arrows lead inwards only, and `relay`, `agent` and `certs` never see each other:
 *
 *     bin demo bench test -> relay | agent | certs -> shared/io -> shared/*.ts -> shared/protocol
 */
import { posix } from 'node:path'

/** A room, from the outermost to the innermost. */
export type Room =
  | 'test'
  | 'bench'
  | 'bin'
  | 'demo'
  | 'relay'
  | 'agent'
  | 'certs'
  | 'relay core'
  | 'shared/io'
  | 'shared'
  | 'shared/protocol'

const core: readonly Room[] = ['shared', 'shared/protocol']
const machine: readonly Room[] = ['shared/io', ...core]
const processes: readonly Room[] = ['relay', 'relay core', 'agent', 'certs', ...machine]

/** The rooms that each room may import from; its own room is among them. */
const arrows: Readonly<Record<Room, readonly Room[]>> = {
  test: ['test', 'bench', 'bin', 'demo', ...processes],
  bench: ['bench', 'test', ...processes],
  bin: ['bin', 'demo', ...processes],
  demo: ['demo', ...processes],
  relay: ['relay', 'relay core', ...machine],
  agent: ['agent', ...machine],
  certs: ['certs', ...machine],
  'relay core': ['relay core', ...core],
  'shared/io': machine,
  shared: core,
  'shared/protocol': ['shared/protocol'],
}

/** Which room a path belongs to; undefined for a file outside the house, such as a config file. */
export function roomOf(path: string): Room | undefined {
  if (/^relay\/(?:switch(?:\.ts|\/)|admission\.ts$)/.test(path)) return 'relay core'
  if (path.startsWith('shared/protocol/')) return 'shared/protocol'
  if (path.startsWith('shared/io/')) return 'shared/io'
  if (/^shared\/[^/]+$/.test(path)) return 'shared'
  const top = path.split('/')[0]
  switch (top) {
    case 'test':
    case 'bench':
    case 'bin':
    case 'demo':
    case 'relay':
    case 'agent':
    case 'certs':
      return top
    default:
      return undefined
  }
}

/** True for a file that must hold no clock, no chance and no I/O. */
export function isPure(path: string): boolean {
  const room = roomOf(path)
  return room === 'relay core' || room === 'shared' || room === 'shared/protocol'
}

/** Why this file may not import that specifier, or undefined when it may. */
export function reasonAgainst(path: string, specifier: string): string | undefined {
  const room = roomOf(path)
  if (room === undefined) return undefined
  if (!specifier.startsWith('.')) {
    return isPure(path) && specifier !== 'node:assert'
      ? 'a pure file imports only itself'
      : undefined
  }
  if (!/\.(?:ts|js|json)$/.test(specifier)) return 'an import names its file in full'
  const target = posix.normalize(posix.join(posix.dirname(path), specifier))
  const targetRoom = roomOf(target)
  if (targetRoom === undefined) return undefined
  return arrows[room].includes(targetRoom) ? undefined : `${room} may not import ${targetRoom}`
}
