/** Numbers as people read them. Pure. */

/** `840 B`, `12.3 kB`, `1.2 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`
  const [divisor, unit] = bytes < 1_000_000 ? [1_000, 'kB'] : [1_000_000, 'MB']
  return `${(bytes / divisor).toFixed(1)} ${unit}`
}

/** `0.4 s`. */
export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

/** `1,204`. */
export function countText(count: number): string {
  return count.toLocaleString('en')
}
