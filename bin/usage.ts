/**
 * What is wrong with a command line, in one sentence, with the word that was probably meant.
 *
 * Invariant: commander neither prints an error nor ends the process: each of its errors becomes the
 * fault `usage`, which names the help of the very command that was called.
 */
import type { Command, CommanderError } from 'commander'
import { Fault } from '../shared/protocol/fault.ts'
import { nearestWord } from '../shared/spelling.ts'

/** Has a command and all below it throw `usage`. Help and version are no faults: they pass. */
export function throwingUsage(command: Command): Command {
  command
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : usageFault(command, error)
    })
    .configureOutput({ outputError: () => undefined })
  for (const inner of command.commands) throwingUsage(inner)
  return command
}

function usageFault(command: Command, error: CommanderError): Fault {
  const message = `${sentence(command, error)}  See: ${pathOf(command)} --help`
  return new Fault('usage', message, { cause: error })
}

function sentence(command: Command, { code, message }: CommanderError): string {
  const known = command.commands.map((inner) => inner.name())
  if (code === 'commander.help') return `Say which command: ${known.join(', ')}.`
  if (code === 'commander.excessArguments') {
    const [word = ''] = command.args.slice(command.registeredArguments.length)
    const guess = nearestWord(word, known)
    const meant = guess === undefined ? '' : ` Did you mean "${guess}"?`
    return `${pathOf(command)} does not take "${word}".${meant}`
  }
  // Commander writes its guess on a line of its own: (Did you mean relay?)
  const [what = '', guess] = message.replace(/^error: /, '').split('\n')
  return guess === undefined ? closed(what) : `${closed(what)} ${guess.slice(1, -1)}`
}

function closed(what: string): string {
  return `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`
}

/** `sallyport relay init`. */
function pathOf(command: Command): string {
  const above = command.parent === null ? '' : `${pathOf(command.parent)} `
  return above + command.name()
}
