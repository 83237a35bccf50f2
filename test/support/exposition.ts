/**
 * A strict reader of Prometheus's text format 0.0.4: as its description says, and no more lenient.
 *
 * Invariant: what it accepts has one HELP and one TYPE before the samples of each family, families
 * in one piece, no series twice, and a line feed behind every line. It throws at the first fault.
 */

/** One family of metrics. */
export interface ReadFamily {
  readonly type: string
  readonly help: string
  /** Each sample by its labels as JSON, `{}` where there are none. */
  readonly samples: ReadonlyMap<string, number>
}

/** Reads a whole answer. */
export function readExposition(text: string): ReadonlyMap<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('no line feed at the end')
  const families = new Map<string, ReadFamily>()
  const lines = text.slice(0, -1).split('\n')
  for (let at = 0; at < lines.length; ) {
    const [, name = '', help = ''] = match(/^# HELP ([a-zA-Z_:][\w:]*) (\S.*)$/, lines[at])
    const [, type = ''] = match(new RegExp(`^# TYPE ${name} (counter|gauge)$`), lines[at + 1])
    if (families.has(name)) throw new Error(`${name} comes twice`)
    const samples = new Map<string, number>()
    for (at += 2; at < lines.length && !lines[at]?.startsWith('#'); at += 1) {
      const { labels, value } = readSample(name, lines[at] ?? '')
      const series = JSON.stringify(labels)
      if (samples.has(series)) throw new Error(`${name}${series} comes twice`)
      samples.set(series, value)
    }
    families.set(name, { type, help, samples })
  }
  return families
}

function readSample(name: string, line: string) {
  const [, , inside, written = ''] = match(
    new RegExp(`^${name}(\\{(.+)\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?)$`, 's'),
    line,
  )
  return { labels: inside === undefined ? {} : readLabels(inside), value: Number(written) }
}

function readLabels(inside: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  const pair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,(?=.)|$)/y
  while (pair.lastIndex < inside.length) {
    const from = pair.lastIndex
    const [, label = '', escaped = ''] = pair.exec(inside) ?? []
    if (label === '') throw new Error(`no label at ${from} of ${inside}`)
    if (label in labels) throw new Error(`${label} comes twice in ${inside}`)
    labels[label] = escaped.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return labels
}

function match(pattern: RegExp, line: string | undefined): RegExpExecArray {
  const found = pattern.exec(line ?? '')
  if (found === null) throw new Error(`${line} is not ${pattern}`)
  return found
}
