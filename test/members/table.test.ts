/** What the conformance tests of member stores cannot reach: they cannot move clocks back, and take no copies of a store. */
import { type ExpireLimit, MemberTable } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const A = testId(1)
const START = 1_767_225_600_000
const LIMIT: ExpireLimit = { max: 1, windowMs: 1000 }

function world(start = START) {
  const clock = { now: start }
  const table = new MemberTable({ clock: () => clock.now, storeId: 'store-1' })
  return { clock, table, member: (id: string, seen?: number) => member(table, id, seen) }
}

/** A member that joined, advertises A, and has told the store all of it. */
function member(table: MemberTable, id: string, seen = 0) {
  const texts = { zone: undefined, address: undefined, process: `${id}-1`, fingerprint: '', bucket: '' }
  const joined = table.join({ id, ...texts, incarnation: 0, sequence: 1, replaces: 0, seen })
  if (joined.status !== 'joined') throw new Error(`${id} must join: current value is ${joined.status}`)
  const { incarnation, storeId, epoch } = joined
  let sequence = 1
  const stamp = () => ({ id, incarnation, sequence: ++sequence })
  const heartbeat = (later = 0, told = storeId) =>
    table.heartbeat(stamp(), { storeId: told, stats: undefined, seen: later })
  table.serve(stamp(), { added: [A], dropped: [] })
  heartbeat()
  /** Whether it may release A to `target`. */
  const releases = (target: string, freshMs = 1000) => {
    const items = [{ id: A, superseding: A, targets: [target], quorum: 'all' as const }]
    const reply = table.release(stamp(), { decidedIn: table.entries().epoch, freshMs, items })
    return reply.status === 'ok' && reply.released.length === 1
  }
  const hold = (slot: number, fence: number) => table.hold(stamp(), { ranks: [{ slot, rank: 0 }], fence, give: false })
  return { incarnation, epoch, stamp, heartbeat, releases, hold, seen: () => ({ incarnation, sequence }) }
}

describe('epochs and fences of a MemberTable', () => {
  it('an epoch is the clock in whole microseconds, and so is a fence', () => {
    const { table } = world(START + 0.0015)
    expect([table.entries().epoch, table.fence()]).toEqual([0, START * 1000 + 1])
    table.freeze(true)
    expect(table.entries().epoch).toBe(START * 1000 + 1)
  })

  it('they grow by one where the clock stands still or goes back', () => {
    const { table, clock } = world()
    const seen = [true, false, true].map((on, i) => {
      clock.now -= 1000 * Math.floor(i / 2)
      table.freeze(on)
      return [table.entries().epoch, table.fence()].map(n => n - START * 1000)
    })
    expect(seen).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ])
  })

  it('the clock goes past what a member has seen, and what a member has seen past the clock', () => {
    const { table, clock, member } = world()
    const a = member('a')
    expect(a.heartbeat(START * 1000 + 5000).epoch).toBe(START * 1000 + 5001)
    clock.now += 6
    table.freeze(true)
    expect(table.entries().epoch).toBe(START * 1000 + 6000)
  })

  it('a fence goes past an epoch that is ahead of the clock, and raises none', () => {
    const { table, member } = world()
    const ahead = START * 1000 + 5000
    member('a', ahead)
    expect([table.fence(), table.fence(), table.entries().epoch]).toEqual([ahead + 2, ahead + 3, ahead + 1])
  })

  it('no epoch comes near the end of exact numbers, whatever a member says it has seen', () => {
    const { table, member } = world()
    const a = member('a')
    expect(() => a.heartbeat(2 ** 52 + 1)).toThrow(`seen must be an integer from 0 to ${2 ** 52}`)
    expect(a.heartbeat(2 ** 52).epoch).toBe(2 ** 52 + 1)
    table.freeze(true)
    expect(table.entries().epoch).toBe(2 ** 52 + 2)
  })

  it('listeners are called when the whole step is done, and not by steps that raise no epoch', () => {
    const { table, member } = world()
    const seen: unknown[] = []
    const listening = table.onEpoch(() => {
      const { cause, members, frozen } = table.entries()
      seen.push([cause, members.get('a')?.state, frozen, table.advertised('a').size])
    })
    const a = member('a')
    a.heartbeat()
    table.freeze(true)
    table.freeze(true)
    table.leave(a.stamp())
    listening[Symbol.dispose]()
    table.freeze(false)
    expect(seen).toEqual([
      ['a joined', 'active', false, 0],
      ['frozen', 'active', true, 1],
      ['a down: stopped', 'down', true, 0],
    ])
  })

  it('one function may listen twice, and one that stops listening while it is called hinders no other', () => {
    const { table } = world()
    const calls: string[] = []
    const twice = () => calls.push('twice')
    const listening = [table.onEpoch(twice), table.onEpoch(twice)]
    const once = table.onEpoch(() => {
      calls.push('once')
      once[Symbol.dispose]()
    })
    table.onEpoch(() => calls.push('last'))
    table.freeze(true)
    listening[0]?.[Symbol.dispose]()
    table.freeze(false)
    expect(calls).toEqual(['twice', 'twice', 'once', 'last', 'twice', 'last'])
  })
})

describe('the clock of a MemberTable', () => {
  it('a heartbeat is fresh while it is younger than freshMs, to the millisecond', () => {
    const { clock, member } = world()
    member('b')
    const a = member('a')
    clock.now += 1000
    expect([a.releases('b', 1000), a.releases('b', 1001)]).toEqual([false, true])
  })

  it('a heartbeat that lies in the future after a step back counts as fresh for nobody, and has no age', () => {
    const { table, clock, member } = world()
    member('b')
    const a = member('a')
    clock.now -= 1
    expect(a.releases('b')).toBe(false)
    expect(table.heartbeats().heartbeats.get('b')?.age).toBe(0)
    clock.now += 1
    expect(a.releases('b')).toBe(true)
  })

  it('an expiry counts while it is younger than the window, and not where it lies in the future', () => {
    const { table, clock, member } = world()
    const [a, b, c] = [member('a'), member('b'), member('c')]
    const answers = [table.expire('a', a.seen(), LIMIT, 'x')]
    for (const [ms, id, { seen }] of [
      [999, 'b', b],
      [1, 'b', b],
      [-1001, 'c', c],
    ] as const) {
      clock.now += ms
      answers.push(table.expire(id, seen(), LIMIT, 'x'))
    }
    expect(answers).toEqual(['expired', 'refused', 'expired', 'expired'])
  })

  it('the age of a heartbeat counts from the last write that was not refused', () => {
    const { table, clock, member } = world()
    const a = member('a')
    const age = () => table.heartbeats().heartbeats.get('a')?.age
    clock.now += 70
    expect(age()).toBe(70)
    table.serve({ ...a.stamp(), sequence: 1 }, { added: [], dropped: [] })
    expect(age()).toBe(70)
    table.serve(a.stamp(), { added: [], dropped: [] })
    expect(age()).toBe(0)
  })
})

describe('copies of a MemberTable', () => {
  it('a failover brings the copy back, with its epoch, slots and fence, and another store id', () => {
    const { table, clock, member } = world()
    const a = member('a')
    table.drain('a', true)
    const fence = table.fence()
    a.hold(1, fence)
    const copy = table.snapshot()
    const [entries, beats, advertised, slots] = [
      table.entries(),
      table.heartbeats(),
      table.advertised('a'),
      table.slots(undefined),
    ]
    clock.now += 10
    table.serve(a.stamp(), { added: [], dropped: [A] })
    member('b')
    for (const slot of [1, 2]) a.hold(slot, table.fence())
    table.freeze(true)
    clock.now -= 10
    table.restore(copy, 'store-2')
    expect(table.entries()).toEqual({ ...entries, storeId: 'store-2' })
    expect(table.heartbeats()).toEqual({ ...beats, storeId: 'store-2' })
    expect(table.advertised('a')).toEqual(advertised)
    expect(table.slots(undefined)).toEqual(slots)
    expect(table.slots(slots?.mark)).toBeUndefined()
    expect(table.fence()).toBe(fence + 1)
  })

  it('a mark of what a failover has lost is not known, also where the same version was given again since', () => {
    const { table, member } = world()
    const a = member('a')
    const fences = [table.fence(), table.fence(), table.fence()] as const
    a.hold(1, fences[0])
    const copy = table.snapshot()
    const kept = table.slots(undefined)
    a.hold(2, fences[1])
    const lost = table.slots(undefined)
    table.restore(copy, 'store-2')
    a.hold(3, fences[1])
    const now = table.slots(undefined)
    expect(now?.version).toBe(lost?.version)
    expect(table.slots(lost?.mark)).toEqual(now)
    a.hold(4, fences[2])
    expect(table.slots(lost?.mark)).toMatchObject({ whole: true, slots: [{ slot: 1 }, { slot: 3 }, { slot: 4 }] })
    // What the copy had leads on.
    expect(table.slots(kept?.mark)).toMatchObject({ whole: false, slots: [{ slot: 3 }, { slot: 4 }] })
  })

  it('a copy stays as it was, whatever the table does before and after it came back', () => {
    const { table, member } = world()
    const a = member('a')
    const copy = table.snapshot()
    for (const storeId of ['store-2', 'store-3']) {
      expect(table.advertised('a')).toEqual(new Set([A]))
      expect(table.slots(undefined)?.slots).toEqual([])
      expect(table.serve({ ...a.stamp(), sequence: 50 }, { added: [testId(2)], dropped: [A] })).toBe('ok')
      a.hold(1, table.fence())
      const seen = table.heartbeats().heartbeats.get('a') ?? a.seen()
      expect(table.expire('a', seen, LIMIT, 'b')).toBe('expired')
      table.restore(copy, storeId)
    }
    expect(table.entries().members.get('a')?.state).toBe('active')
  })

  it('after a failover nobody counts for a release before it has told all again', () => {
    const { table, member } = world()
    const b = member('b')
    const a = member('a')
    table.restore(table.snapshot(), 'store-2')
    expect(a.releases('b')).toBe(false)
    b.heartbeat(0, 'store-2')
    expect(a.releases('b')).toBe(true)
  })

  it('after a failover a member that has seen a later epoch brings the epoch past it', () => {
    const { table, member } = world()
    const a = member('a')
    const copy = table.snapshot()
    table.freeze(true)
    const { epoch } = table.entries()
    table.restore(copy, 'store-2')
    expect(table.entries().epoch).toBeLessThan(epoch)
    expect(a.heartbeat(epoch)).toMatchObject({ status: 'ok', epoch: epoch + 1, storeId: 'store-2', frozen: false })
  })

  it('a store that lost everything knows nobody, and gives epochs, fences and versions that are not those of before', () => {
    const { table, clock, member } = world()
    const a = member('a')
    const fence = table.fence()
    a.hold(1, fence)
    const mark = table.slots(undefined)?.mark
    table.freeze(true)
    const { epoch } = table.entries()
    table.clear('store-2')
    const nothing = { epoch: 0, storeId: 'store-2', frozen: false, broken: 0 }
    expect(table.entries()).toEqual({ ...nothing, cause: '', members: new Map() })
    expect(table.heartbeats()).toEqual({ ...nothing, heartbeats: new Map() })
    expect(table.slots(undefined)).toEqual({ version: 0, mark: '0', whole: true, slots: [], broken: 0 })
    expect([table.advertised('a'), a.heartbeat().status]).toEqual([new Set(), 'missing'])
    clock.now += 1
    const again = member('a')
    expect(again.epoch).toBeGreaterThan(epoch)
    // With the fence of before, and all the same another version.
    again.hold(1, fence)
    expect(table.slots(mark)?.slots).toEqual([{ slot: 1, rank: 0, holder: 'a', fence }])
    expect(table.fence()).toBeGreaterThan(fence)
  })

  it('listeners outlive a failover and a loss, and are told of neither', () => {
    const { table } = world()
    let told = 0
    table.onEpoch(() => told++)
    table.restore(table.snapshot(), 'store-2')
    table.clear('store-3')
    expect(told).toBe(0)
    table.freeze(true)
    expect(told).toBe(1)
  })

  it('what was read stays as it was read', () => {
    const { table, member } = world()
    const a = member('a')
    a.hold(1, table.fence())
    const [entries, { heartbeats }, advertised, slots] = [
      table.entries(),
      table.heartbeats(),
      table.advertised('a'),
      table.slots(undefined),
    ]
    const { sequence } = a.seen()
    table.drain('a', true)
    table.serve(a.stamp(), { added: [testId(2)], dropped: [] })
    a.hold(2, table.fence())
    expect(entries.members.get('a')?.state).toBe('active')
    expect(heartbeats.get('a')?.sequence).toBe(sequence)
    expect(advertised).toEqual(new Set([A]))
    expect(slots?.slots).toHaveLength(1)
  })
})
