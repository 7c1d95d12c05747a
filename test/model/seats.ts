/**
 * Seats of a slot: who is recorded in it. Here each block is a slot of its own. Ranks and fences are left out: the same members give
 * the same targets in whatever order they sit, so a guard that compares the members alone is weaker than the store's, which compares
 * those too; what holds with it holds with the store's.
 */

/** Who sits in a slot, sorted; FREE where nobody does. A member may sit in it twice: nothing excludes it. */
export type Seats = readonly number[]

export const FREE = -1

/** All slots of the store, or those that a process has seen, each as a small number. */
export type Slots = number[]

export function pack(seats: Seats): number {
  return [...seats].sort((a, b) => b - a).reduce((packed, member) => packed * 8 + member + 1, 0)
}

export function unpack(slot: number, replicas: number): Seats {
  return [slot & 7, slot >> 3].slice(0, replicas).map(seat => seat - 1)
}

/** The slot after one of those seats went to somebody else. */
export function reseat(slot: number, replicas: number, from: number, to: number): number {
  const seats = [...unpack(slot, replicas)]
  seats[seats.indexOf(from)] = to
  return pack(seats)
}
