/** Something that must never happen has happened. The number is that of docs/protocol.md's list of invariants. */
export class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}
