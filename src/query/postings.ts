/** Sets of series as ascending references. */

/** What is in all lists; the smallest is walked, the others are searched by galloping. */
export function intersect(lists: readonly Uint32Array[]): Uint32Array {
  const [smallest = new Uint32Array(0), ...others] = [...lists].sort((a, b) => a.length - b.length)
  const found = new Uint32Array(smallest.length)
  const places = new Uint32Array(others.length)
  let count = 0
  next: for (const ref of smallest) {
    for (let i = 0; i < others.length; i++) {
      const list = others[i] as Uint32Array
      const place = gallop(list, places[i] as number, ref)
      places[i] = place
      if (list[place] !== ref) continue next
    }
    found[count++] = ref
  }
  return found.subarray(0, count)
}

/** What is in any list, each once. */
export function union(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length < 2) return lists[0] ?? new Uint32Array(0)
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  all.sort()
  let count = 0
  for (let i = 0; i < all.length; i++) {
    if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i] as number
  }
  return all.subarray(0, count)
}

/** What is in `list` and not in `other`. */
export function subtract(list: Uint32Array, other: Uint32Array): Uint32Array {
  const left = new Uint32Array(list.length)
  let count = 0
  let place = 0
  for (const ref of list) {
    place = gallop(other, place, ref)
    if (other[place] !== ref) left[count++] = ref
  }
  return left.subarray(0, count)
}

/** The place, from `from` on, of the first that is not below `ref`: steps that double, then halves between the last two. */
function gallop(list: Uint32Array, from: number, ref: number): number {
  let step = 1
  let low = from
  while (low + step < list.length && (list[low + step] as number) < ref) {
    low += step
    step *= 2
  }
  let high = Math.min(low + step, list.length)
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as number) < ref) low = middle + 1
    else high = middle
  }
  return low
}
