import type { SlotEntry } from 'blockgate/members'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Plan, type PlanInput } from '../../../../plugins/ownership/redlock/plan.ts'
import { type Seat, seatKey } from '../../../../plugins/ownership/redlock/seats.ts'
import { SlotOrder } from '../../../../plugins/ownership/redlock/slot-of.ts'

/** Seats of members that do what the plan says, in some order. */
class Table {
  readonly holders = new Map<string, Seat & { readonly holder: string }>()
  readonly slots: number
  readonly replicas: number
  members: string[]
  down = new Set<string>()
  over = new Set<string>()
  lost = new Map<string, string>()
  /** Every change of a holder: `<seat> <from> → <to>`. */
  readonly moves: string[] = []

  constructor(slots: number, replicas: number, members: readonly string[]) {
    this.slots = slots
    this.replicas = replicas
    this.members = [...members]
  }

  plan(me: string): Plan {
    const members = [...this.members].sort()
    const live = new Set(members.filter(id => !this.down.has(id)))
    const input: PlanInput = {
      me,
      slots: this.slots,
      replicas: this.replicas,
      members,
      live,
      takers: new Set([...live].filter(id => !this.over.has(id))),
      seated: slot => this.seated(slot),
      first: seat => this.lost.get(seatKey(seat)) ?? '',
      order: new SlotOrder(members),
    }
    return new Plan(input)
  }

  seated(slot: number): readonly SlotEntry[] {
    const records: SlotEntry[] = []
    for (let rank = 0; rank < this.replicas; rank++) {
      const seat = this.holders.get(`${slot}/${rank}`)
      if (seat && this.members.includes(seat.holder)) records.push({ ...seat, fence: 1 })
    }
    return records
  }

  put(seat: Seat, holder: string): void {
    const before = this.holders.get(seatKey(seat))?.holder ?? '-'
    this.moves.push(`${seatKey(seat)} ${before} → ${holder}`)
    this.holders.set(seatKey(seat), { ...seat, holder })
  }

  /** All take what is open to them by one plan, then each gives up at most one seat; until nothing moves. @returns rounds */
  settle(): number {
    for (let round = 1; round < 5_000; round++) {
      const before = this.moves.length
      for (const { to, ...seat } of this.plan('').open) this.put(seat, to)
      const given = this.members.flatMap(me => this.plan(me).gives ?? [])
      for (const seat of given) this.holders.delete(seatKey(seat))
      for (const { to, ...seat } of this.plan('').open) this.put(seat, to)
      if (this.moves.length === before) return round
    }
    throw new Error('it must come to rest')
  }

  shares(): number[] {
    const holders = [...this.holders.values()].map(({ holder }) => holder)
    return this.members.map(id => holders.filter(holder => holder === id).length)
  }

  /** Floor or ceil each, each seat taken, nobody twice in a slot. */
  fair(): void {
    const copies = Math.min(this.replicas, this.members.length)
    const each = (this.slots * copies) / this.members.length
    for (const share of this.shares()) expect([Math.floor(each), Math.ceil(each)]).toContain(share)
    for (let slot = 0; slot < this.slots; slot++) {
      const here = this.seated(slot).map(({ holder }) => holder)
      expect(here).toHaveLength(copies)
      expect(new Set(here).size).toBe(copies)
    }
  }
}

const names = (n: number) => Array.from({ length: n }, (_, i) => `gw-${i + 1}`)

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

  it('gives each slot to who comes first for it, as long as that one has too few', () => {
    const table = new Table(256, 1, names(3))
    const order = new SlotOrder(names(3))
    const open = table.plan('gw-1').open
    const least = Math.floor(256 / 3)
    const counts = new Map<string, number>()
    for (const { slot, to } of open) {
      const first = order.of(slot).find(id => (counts.get(id) ?? 0) < least)
      if (first !== undefined) expect(to).toBe(first)
      counts.set(to, (counts.get(to) ?? 0) + 1)
    }
  })

  it('is seen the same by everybody', () => {
    const table = new Table(64, 2, names(5))
    for (const me of names(5)) expect(table.plan(me).open).toEqual(table.plan('gw-1').open)
  })
})

describe('a member that joins', () => {
  it.each([
    [1, 1],
    [3, 1],
    [4, 2],
    [9, 3],
  ])(
    'gets its share of %s members with %s replicas from those that have more, and nothing else moves',
    (members, replicas) => {
      const table = new Table(128, replicas, names(members))
      table.settle()
      table.moves.length = 0
      table.members.push('gw-new')
      table.settle()
      table.fair()
      expect(table.moves.filter(move => !move.endsWith('gw-new'))).toEqual([])
      expect(table.moves.length).toBeLessThanOrEqual(Math.ceil((128 * replicas) / (members + 1)))
    },
  )

  it('makes a copy more possible where there were fewer members than replicas', () => {
    const table = new Table(32, 3, names(2))
    table.settle()
    table.moves.length = 0
    table.members.push('gw-3')
    table.settle()
    table.fair()
    expect(table.moves.every(move => move.endsWith(' - → gw-3'))).toBe(true)
  })
})

describe('a member that goes', () => {
  it('leaves its seats to the others, and none of theirs moves', () => {
    const table = new Table(128, 2, names(5))
    table.settle()
    const [first = 0] = table.shares()
    table.moves.length = 0
    table.members.shift()
    table.settle()
    table.fair()
    expect(table.moves.every(move => move.includes(' gw-1 → '))).toBe(true)
    expect(table.moves).toHaveLength(first)
  })

  it('and is down within its grace keeps its seats; nobody gives it any', () => {
    const table = new Table(64, 1, names(3))
    table.settle()
    table.moves.length = 0
    table.down.add('gw-2')
    table.settle()
    expect(table.moves).toEqual([])
    table.members.push('gw-4')
    table.settle()
    expect(table.moves.filter(move => move.includes('gw-2'))).toEqual([])
  })
})

it('a seat whose record was lost goes back to who had it, down to the last one', () => {
  const table = new Table(64, 2, names(4))
  table.settle()
  table.members.push('gw-5')
  table.settle()
  for (const [key, { holder }] of table.holders) table.lost.set(key, holder)
  const before = new Map(table.holders)
  table.holders.clear()
  table.settle()
  expect(table.holders).toEqual(before)
})

it('who is passed over gets nothing, and gives up nothing for it', () => {
  const table = new Table(64, 1, names(3))
  table.over.add('gw-1')
  table.settle()
  expect(table.shares()).toEqual([0, 32, 32])
  table.moves.length = 0
  table.over.clear()
  table.settle()
  table.fair()
  expect(table.moves.every(move => move.endsWith('gw-1'))).toBe(true)
})

it('each gives up the seat for which its taker comes first', () => {
  const table = new Table(64, 1, names(1))
  table.settle()
  table.members.push('gw-2')
  const order = new SlotOrder(['gw-1', 'gw-2'])
  const seat = table.plan('gw-1').gives
  expect(order.of(seat?.slot ?? -1)[0]).toBe('gw-2')
  expect(table.plan('gw-2').gives).toBeUndefined()
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
      for (const { to, ...seat } of table.plan('').open) if (random() < 0.6) table.put(seat, to)
      if (random() < 0.5) {
        const me = table.members[Math.floor(random() * table.members.length)] ?? ''
        const seat = table.plan(me).gives
        if (seat) table.holders.delete(seatKey(seat))
      }
    }
    table.settle()
    table.fair()
  }
})
