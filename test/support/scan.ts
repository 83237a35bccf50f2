/**
 * Reading a source file without understanding it: its code apart from its comments and strings,
 * and what it imports.
 *
 * Invariant: blanking keeps every length and every line break, so that a place found in the
 * blanked code is the same place in the file.
 */

/** The source with its comments, and the insides of its strings and expressions, made blank. */
export function codeOf(source: string): string {
  const code = source.split('')
  const blank = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) if (code[at] !== '\n') code[at] = ' '
  }

  /** Passes over code from `start` to its end, or to the brace that closes a template's hole. */
  const passCode = (start: number, inTemplate: boolean): number => {
    let depth = 0
    let at = start
    while (at < source.length) {
      const character = source[at]
      const token = tokenAt(source, at, code)
      if (token !== undefined) {
        if (token.kind === 'comment') blank(at, token.end)
        else blank(at + 1, token.end - 1)
        at = token.end
      } else if (character === '`') {
        at = passTemplate(at)
      } else if (character === '}' && depth === 0 && inTemplate) {
        return at
      } else {
        if (character === '{') depth += 1
        if (character === '}') depth -= 1
        at += 1
      }
    }
    return at
  }

  const passTemplate = (start: number): number => {
    let from = start + 1
    let at = from
    while (at < source.length && source[at] !== '`') {
      if (source.startsWith('${', at)) {
        blank(from, at)
        at = passCode(at + 2, true) + 1
        from = at
      } else {
        at += source[at] === '\\' ? 2 : 1
      }
    }
    blank(from, at)
    return at + 1
  }

  passCode(0, false)
  return code.join('')
}

/** The specifiers that a source imports or re-exports, static and dynamic, in reading order. */
export function importsOf(source: string): readonly string[] {
  const forms =
    /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])|\bimport\s*(['"])|\bimport\s*\(\s*(['"])/g
  return [...codeOf(source).matchAll(forms)].map((match) => {
    const start = match.index + match[0].length
    const quote = match[1] ?? match[2] ?? match[3] ?? "'"
    return source.slice(start, source.indexOf(quote, start))
  })
}

/** The numbers, from 1, of the lines that the pattern matches. */
export function linesMatching(text: string, pattern: RegExp): readonly number[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [index + 1] : []))
}

interface Token {
  readonly kind: 'comment' | 'quoted' | 'expression'
  readonly end: number
}

const comment = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/y
const quoted = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const expression = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y

/** The comment, string or regular expression that begins here; `code` is what was read so far. */
function tokenAt(source: string, at: number, code: readonly string[]): Token | undefined {
  const ends = (pattern: RegExp): number | undefined => {
    pattern.lastIndex = at
    return pattern.test(source) ? pattern.lastIndex : undefined
  }
  const commentEnd = ends(comment)
  if (commentEnd !== undefined) return { kind: 'comment', end: commentEnd }
  const quotedEnd = ends(quoted)
  if (quotedEnd !== undefined) return { kind: 'quoted', end: quotedEnd }
  if (source[at] !== '/' || !mayBeginExpression(code, at)) return undefined
  const expressionEnd = ends(expression)
  return expressionEnd === undefined ? undefined : { kind: 'expression', end: expressionEnd }
}

/** After a value a slash divides; anywhere else it begins a regular expression. */
function mayBeginExpression(code: readonly string[], at: number): boolean {
  const before = code
    .slice(Math.max(0, at - 80), at)
    .join('')
    .trimEnd()
  return before === '' || /[(,=:[!&|?{};<>+*~^%-]$|\b(?:return|case|typeof|of|in)$/.test(before)
}
