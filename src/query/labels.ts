/** Label sets of series: their order, and how external labels come to them. */

export type Label = readonly [name: string, value: string]

/**
 * The order of UTF-8 bytes, which is that of code points. UTF-16 sorts what takes two units (U+10000 and above) before
 * U+E000 to U+FFFF.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i)
    let y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000
    }
    return x - y
  }
  return a.length - b.length
}

/** Pair by pair, names before values; of two of which one begins the other, the shorter is first. */
export function compareLabels(a: readonly Label[], b: readonly Label[]): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [nameA, valueA] = a[i] as Label
    const [nameB, valueB] = b[i] as Label
    const order = compareText(nameA, nameB) || compareText(valueA, valueB)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** The labels of a series with those of its block, sorted by name: the block's win. */
export function withExternal(labels: readonly Label[], external: Readonly<Record<string, string>>): readonly Label[] {
  const added = Object.entries(external).filter(([, value]) => value !== '')
  if (added.length === 0) return labels
  const own = labels.filter(([name]) => !external[name])
  return [...own, ...added].sort(([a], [b]) => compareText(a, b))
}
