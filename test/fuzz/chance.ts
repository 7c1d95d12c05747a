/** Numbers of one seed, fast enough for a million seeds. */

export interface Chance {
  /** From 0 up to 1, which it never is. */
  random(): number
  /** A whole number from 0 up to n − 1. */
  below(n: number): number
  pick<T>(list: readonly T[]): T
}

/** Mulberry32, by Tommy Ettinger. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number) => Math.floor(random() * n)
  return { random, below, pick: list => list[below(list.length)] as (typeof list)[number] }
}
