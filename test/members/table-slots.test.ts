/** What the kit of member stores cannot reach of slots: a clock that stands or goes back, copies, and a loss. */
import { MemberTable } from 'blockgate/members'
import { describe, expect, it } from 'vitest'

const START = 1_767_225_600_000

function world() {
  const clock = { now: START }
  const table = new MemberTable({ clock: () => clock.now, storeId: 'store-1' })
  const join = (id: string) => {
    const texts = { zone: undefined, address: undefined, process: `${id}-1`, rules: '', bucket: '' }
    const joined = table.join({ id, ...texts, incarnation: 0, sequence: 1, replaces: 0, seen: 0 })
    if (joined.status !== 'joined') throw new Error(`${id} must join: current value is ${joined.status}`)
    let sequence = 1
    return (slot: number, fence: number) =>
      table.hold({ id, incarnation: joined.incarnation, sequence: ++sequence }, { slot, rank: 0, fence, give: false })
  }
  return { clock, table, join }
}

describe('fences of a MemberTable', () => {
  it('a fence is the clock in whole microseconds, and grows by one where the clock stands still or goes back', () => {
    const { table, clock } = world()
    clock.now += 0.0015
    const fences = [0, 0, 1000].map(back => {
      clock.now -= back
      return table.fence()
    })
    expect(fences).toEqual([START * 1000 + 1, START * 1000 + 2, START * 1000 + 3])
  })

  it('a fence goes past an epoch that is ahead of the clock, and raises none', () => {
    const { table } = world()
    const ahead = START * 1000 + 5000
    const texts = { zone: undefined, address: undefined, process: 'p', rules: '', bucket: '' }
    table.join({ id: 'a', ...texts, incarnation: 0, sequence: 1, replaces: 0, seen: ahead })
    expect([table.fence(), table.fence()]).toEqual([ahead + 2, ahead + 3])
    expect(table.entries().epoch).toBe(ahead + 1)
  })

  it('a failover brings slots, version and the last fence of the copy back', () => {
    const { table, join } = world()
    const hold = join('a')
    const fence = table.fence()
    hold(1, fence)
    const copy = table.snapshot()
    const known = table.slots(undefined)
    hold(1, table.fence())
    hold(2, table.fence())
    table.restore(copy, 'store-2')
    expect(table.slots(undefined)).toEqual(known)
    expect(table.slots(known?.version)).toBeUndefined()
    expect(table.fence()).toBe(fence + 1)
  })

  it('a store that lost everything knows no slots, and gives fences that the lost ones do not reach', () => {
    const { table, clock, join } = world()
    const fence = table.fence()
    join('a')(1, fence)
    table.clear('store-2')
    expect(table.slots(undefined)).toEqual({ version: 0, slots: [], broken: 0 })
    clock.now += 1
    expect(table.fence()).toBeGreaterThan(fence)
  })

  it('slots that are recorded again after a loss, with the fences of before, make no version of before', () => {
    const { table, clock, join } = world()
    const [mine, theirs] = [table.fence(), table.fence()]
    join('b')(2, mine)
    join('a')(1, theirs)
    const before = table.slots(undefined)
    table.clear('store-2')
    clock.now += 1
    join('a')(1, theirs)
    expect(table.slots(before?.version)?.slots).toEqual([{ slot: 1, rank: 0, holder: 'a', fence: theirs }])
  })

  it('what was read of slots stays as it was read', () => {
    const { table, join } = world()
    const hold = join('a')
    hold(1, table.fence())
    const view = table.slots(undefined)
    hold(2, table.fence())
    expect(view?.slots).toHaveLength(1)
  })
})
