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
    const x = a[i] as Label
    const y = b[i] as Label
    // Neighbours of one block share their labels.
    if (x === y) continue
    const order = compareText(x[0], y[0]) || compareText(x[1], y[1])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Of each block: sorted by name, without empty ones. */
const sortedExternal = new WeakMap<Readonly<Record<string, string>>, readonly Label[]>()

/** The labels of a series with those of its block, sorted by name: the block's win. */
export function withExternal(labels: readonly Label[], external: Readonly<Record<string, string>>): readonly Label[] {
  let added = sortedExternal.get(external)
  if (added === undefined) {
    added = Object.entries(external)
      .filter(([, value]) => value !== '')
      .sort(([a], [b]) => compareText(a, b))
    sortedExternal.set(external, added)
  }
  if (added.length === 0) return labels
  const all: Label[] = []
  let next = 0
  for (const label of labels) {
    let order = 1
    for (; next < added.length; next++) {
      order = compareText((added[next] as Label)[0], label[0])
      if (order >= 0) break
      all.push(added[next] as Label)
    }
    if (next === added.length || order > 0) all.push(label)
  }
  for (; next < added.length; next++) all.push(added[next] as Label)
  return all
}
