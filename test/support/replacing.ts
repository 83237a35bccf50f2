/** Puts the places of this machine into a text that was written for others. */

/** One pass that puts each second thing in the place of the first, longest first. */
export function replacing(pairs: Readonly<Record<string, string>>): (text: string) => string {
  const written = Object.keys(pairs).sort((one, other) => other.length - one.length)
  const pattern = new RegExp(written.map((part) => RegExp.escape(part)).join('|'), 'g')
  return (text) => text.replaceAll(pattern, (part) => pairs[part] ?? part)
}
