import type { EntriesView, MemberEntry, SlotEntry, SlotRank } from 'blockgate/members'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Candidates } from '../../../../plugins/ownership/redlock/candidates.ts'
import { Plan } from '../../../../plugins/ownership/redlock/plan.ts'
import { keyOf } from '../../../../plugins/ownership/redlock/slots.ts'
import { counted } from '../hash-ring/support.ts'

const names = (n: number) => Array.from({ length: n }, (_, i) => `gw-${i + 1}`)
const placed = (ids: readonly string[], replicas = 1): Candidates => {
  const members = ids.map(id => [id, { id, placed: true, draining: false } as MemberEntry] as const)
  return new Candidates({ members: new Map(members) } as unknown as EntriesView, replicas)
}

/** Slots of members that do what the plan says, in some order. */
class Table {
  readonly entries = new Map<string, SlotEntry>()
  readonly numbers: readonly number[]
  readonly replicas: number
  members: string[]
  lost = new Map<string, string>()
  /** Every change of a holder: `<slot>/<rank> <from> → <to>`. */
  readonly moves: string[] = []

  constructor(slots: number, replicas: number, members: readonly string[]) {
    this.numbers = Array.from({ length: slots }, (_, slot) => slot)
    this.replicas = replicas
    this.members = [...members]
  }

  get plan(): Plan {
    const candidates = placed(this.members, this.replicas)
    return new Plan(this, candidates, candidates.ids)
  }

  of(slot: number): readonly SlotEntry[] {
    return Array.from({ length: this.replicas }, (_, rank) => this.entries.get(keyOf({ slot, rank }))).filter(
      entry => entry !== undefined,
    )
  }

  heldBefore(rank: SlotRank): string | undefined {
    return this.lost.get(keyOf(rank))
  }

  put(rank: SlotRank, holder: string): void {
    this.moves.push(`${keyOf(rank)} ${this.entries.get(keyOf(rank))?.holder ?? '-'} → ${holder}`)
    this.entries.set(keyOf(rank), { ...rank, holder, fence: 1 })
  }

  /** All take what is open to them by one plan, then each gives up at most `most` ranks; until nothing moves. @returns rounds */
  settle(most = 1): number {
    this.moves.length = 0
    for (let round = 1; round < 5_000; round++) {
      const before = this.moves.length
      for (const { to, ...rank } of this.plan.open) this.put(rank, to)
      const given = this.members.flatMap(me => this.plan.gives(me, most))
      for (const rank of given) this.entries.delete(keyOf(rank))
      for (const { to, ...rank } of this.plan.open) this.put(rank, to)
      if (this.moves.length === before) return round
    }
    throw new Error('it must come to rest')
  }

  get shares(): number[] {
    const holders = [...this.entries.values()].map(({ holder }) => holder)
    return this.members.map(id => holders.filter(holder => holder === id).length)
  }

  /** Floor or ceil each, each rank taken, nobody twice in a slot. */
  fair(): void {
    const copies = Math.min(this.replicas, this.members.length)
    const each = (this.numbers.length * copies) / this.members.length
    for (const share of this.shares) expect([Math.floor(each), Math.ceil(each)]).toContain(share)
    for (const slot of this.numbers) {
      const here = this.of(slot).filter(({ holder }) => this.members.includes(holder))
      expect([here.length, new Set(here.map(({ holder }) => holder)).size]).toEqual([copies, copies])
    }
  }
}

describe('the order of a slot', () => {
  it('has each member first for its share of the slots, and one that goes changes the order of no others', () => {
    const [order, fewer] = [placed(names(4)), placed(names(3))]
    const slots = [...Array(256).keys()]
    const firsts = counted(slots.map(slot => order.order(slot)[0]))
    for (const id of names(4)) expect(firsts.get(id)).toBeGreaterThan(40)
    for (const slot of slots) expect(fewer.order(slot)).toEqual(order.order(slot).filter(id => id !== 'gw-4'))
  })
})

describe('an empty table', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [3, 2],
    [5, 3],
    [7, 3],
    [2, 3],
    [1, 2],
    [300, 1],
  ])('is shared by %s members with %s replicas: floor or ceil, in one go', (members, replicas) => {
    const table = new Table(64, replicas, names(members))
    expect(table.settle()).toBe(2)
    table.fair()
    expect(table.moves).toHaveLength(64 * Math.min(members, replicas))
  })
})

describe('a member that joins', () => {
  it.each([
    [1, 1],
    [3, 1],
    [4, 2],
    [9, 3],
  ])('gets its share of %s members with %s replicas, and nothing else moves', (members, replicas) => {
    const table = new Table(128, replicas, names(members))
    table.settle()
    table.members.push('gw-new')
    table.settle()
    table.fair()
    expect(table.moves.filter(move => !move.endsWith('gw-new'))).toEqual([])
    expect(table.moves.length).toBeLessThanOrEqual(Math.ceil((128 * replicas) / (members + 1)))
  })

  it('is given the slots that it comes first for', () => {
    const table = new Table(64, 1, names(1))
    table.settle()
    table.members.push('gw-2')
    const [given] = table.plan.gives('gw-1', 1)
    expect(placed(names(2)).order(given?.slot ?? -1)[0]).toBe('gw-2')
    expect(table.plan.gives('gw-2', 9)).toEqual([])
    // Until it is taken nobody gives up another one.
    table.entries.delete(keyOf(given as SlotRank))
    expect(table.plan.gives('gw-1', 9)).toEqual([])
  })
})

it('a rank whose entry was lost goes back to who had it, down to the last one', () => {
  const table = new Table(64, 2, names(4))
  table.settle()
  table.members.push('gw-5')
  table.settle()
  for (const [key, { holder }] of table.entries) table.lost.set(key, holder)
  const before = new Map(table.entries)
  table.entries.clear()
  table.settle()
  expect(table.entries).toEqual(before)
})

it('members that come and go in any order, some of them slow, end with fair shares', () => {
  const { random } = fakeHost({ seed: 5 })
  for (let story = 0; story < 60; story++) {
    const replicas = 1 + Math.floor(random() * 3)
    const table = new Table(40, replicas, names(1 + Math.floor(random() * 4)))
    for (let step = 0; step < 8; step++) {
      if (random() < 0.5 || table.members.length < 2) table.members.push(`gw-x${story}-${step}`)
      else table.members.splice(Math.floor(random() * table.members.length), 1)
      // Each takes only some of what is open to it before the world changes again.
      for (const { to, ...rank } of table.plan.open) if (random() < 0.6) table.put(rank, to)
      if (random() < 0.5) {
        const most = 1 + Math.floor(random() * 5)
        const given = table.plan.gives(table.members[Math.floor(random() * table.members.length)] ?? '', most)
        for (const rank of given) table.entries.delete(keyOf(rank))
      }
    }
    table.settle()
    table.fair()
  }
})
