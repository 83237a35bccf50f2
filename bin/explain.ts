/**
 * `sallyport explain CODE`: the page of one code, without a network.
 *
 * Invariant: docs/errors.md is the only text; its sections are exactly the codes of the closed
 * list, in the list's order (test/bin/explain.test.ts).
 */
import { readFileSync } from 'node:fs'
import { Argument, Command } from 'commander'
import { Fault, type FaultCode, faults } from '../shared/protocol/fault.ts'
import { nearestWord } from '../shared/spelling.ts'

/** The command `explain`. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('say what a code means, where to look and what to do next')
    .addArgument(new Argument('[code]', 'the word in parentheses: port_in_use; none: all of them'))
    .action((code: string | undefined) => {
      process.stdout.write(code === undefined ? listOfCodes() : `${explanationOf(code)}\n`)
    })
}

/** Every code with its sentence, one a line. */
function listOfCodes(): string {
  const codes = Object.entries(faults)
  const width = Math.max(...codes.map(([code]) => code.length))
  return codes.map(([code, { says }]) => `${code.padEnd(width)}  ${says}\n`).join('')
}

/** The page of a code. Throws `usage` for a word that is none, with the code that was meant. */
export function explanationOf(word: string): string {
  const text = explanations().get(word as FaultCode)
  if (text !== undefined) return text
  const guess = nearestWord(word, Object.keys(faults))
  const meant = guess === undefined ? '' : ` Did you mean "${guess}"?`
  throw new Fault('usage', `"${word}" is no code.${meant}  See all: sallyport explain`)
}

/** The sections of docs/errors.md by their code, each with its heading. */
export function explanations(): ReadonlyMap<FaultCode, string> {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const sections = page.split(/^#{1,2} .*$/m).flatMap((group) => group.split(/^### /m).slice(1))
  return new Map(
    sections.map((section) => {
      const [code = '', ...lines] = section.split('\n')
      return [code as FaultCode, `${code}\n${lines.join('\n').trimEnd()}`]
    }),
  )
}
