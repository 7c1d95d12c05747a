/** What the kit of member stores cannot reach: it cannot move clocks back, and takes no copies of a store. */
import { type ExpireLimit, MemberTable } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const A = testId(1)
const START = 1_767_225_600_000

function world(start = START) {
  const clock = { now: start }
  const table = new MemberTable({ clock: () => clock.now, storeId: 'store-1' })
  return { clock, table, member: (id: string) => member(table, id) }
}

/** A member that joined, claims A, and has told the store all of it. */
function member(table: MemberTable, id: string) {
  const texts = { zone: undefined, address: undefined, process: `${id}-1`, rules: '', bucket: '' }
  const joined = table.join({ id, ...texts, incarnation: 0, sequence: 1, replaces: 0, seen: 0 })
  if (joined.status !== 'joined') throw new Error(`${id} must join: current value is ${joined.status}`)
  const { incarnation, storeId, epoch } = joined
  let sequence = 1
  const stamp = () => ({ id, incarnation, sequence: ++sequence })
  const heartbeat = (seen = 0, told = storeId) => table.heartbeat(stamp(), { storeId: told, stats: undefined, seen })
  table.serve(stamp(), { added: [A], dropped: [] })
  heartbeat()
  const release = (target: string, freshMs = 1000) =>
    table.release(stamp(), {
      decidedIn: table.entries().epoch,
      freshMs,
      items: [{ id: A, superseding: A, targets: [target], quorum: 'all' }],
    })
  const seen = () => ({ incarnation, sequence })
  return { incarnation, epoch, stamp, heartbeat, release, seen }
}

describe('epochs of a MemberTable', () => {
  it('an epoch is the clock in whole microseconds', () => {
    const { table } = world(START + 0.0015)
    expect(table.entries().epoch).toBe(0)
    table.freeze(true)
    expect(table.entries().epoch).toBe(START * 1000 + 1)
  })

  it('an epoch grows by one where the clock stands still or goes back', () => {
    const { table, clock } = world()
    const epochs = [true, false, true].map(on => {
      table.freeze(on)
      clock.now -= 1000
      return table.entries().epoch
    })
    expect(epochs).toEqual([START * 1000, START * 1000 + 1, START * 1000 + 2])
  })

  it('the clock goes past what a member has seen, and what a member has seen past the clock', () => {
    const { table, clock, member } = world()
    const a = member('a')
    expect(a.heartbeat(START * 1000 + 5000).epoch).toBe(START * 1000 + 5001)
    clock.now += 6
    table.freeze(true)
    expect(table.entries().epoch).toBe(START * 1000 + 6000)
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
    const { table } = world()
    const seen: unknown[] = []
    const listening = table.onEpoch(() => {
      const { cause, members, frozen } = table.entries()
      seen.push([cause, members.get('a')?.state, frozen, table.claims('a').size])
    })
    const a = member(table, 'a')
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

  it('one function that listens twice is called until both are disposed of', () => {
    const { table } = world()
    let calls = 0
    const listener = () => calls++
    const listening = [table.onEpoch(listener), table.onEpoch(listener)]
    table.freeze(true)
    expect(calls).toBe(2)
    listening[0]?.[Symbol.dispose]()
    table.freeze(false)
    expect(calls).toBe(3)
  })

  it('a listener that was called may stop listening, and the others are still called', () => {
    const { table } = world()
    const calls: string[] = []
    const first = table.onEpoch(() => {
      calls.push('first')
      first[Symbol.dispose]()
    })
    table.onEpoch(() => calls.push('second'))
    table.freeze(true)
    table.freeze(false)
    expect(calls).toEqual(['first', 'second', 'second'])
  })
})

describe('the clock of a MemberTable', () => {
  it('a heartbeat is fresh while it is younger than freshMs, to the millisecond', () => {
    const { clock, member } = world()
    member('b')
    const a = member('a')
    clock.now += 1000
    expect(a.release('b', 1000)).toEqual({ status: 'ok', released: [] })
    expect(a.release('b', 1001)).toEqual({ status: 'ok', released: [A] })
  })

  it('a heartbeat that lies in the future after a step back counts as fresh for nobody, and has no age', () => {
    const { table, clock, member } = world()
    member('b')
    const a = member('a')
    clock.now -= 1
    expect(a.release('b')).toEqual({ status: 'ok', released: [] })
    expect(table.heartbeats().heartbeats.get('b')?.age).toBe(0)
    clock.now += 1
    expect(a.release('b')).toEqual({ status: 'ok', released: [A] })
  })

  it('an expiry counts while it is younger than the window, and not where it lies in the future', () => {
    const { table, clock, member } = world()
    const limit: ExpireLimit = { max: 1, windowMs: 1000 }
    const [a, b, c] = [member('a'), member('b'), member('c')]
    expect(table.expire('a', a.seen(), limit, 'x')).toBe('expired')
    clock.now += 999
    expect(table.expire('b', b.seen(), limit, 'x')).toBe('refused')
    clock.now += 1
    expect(table.expire('b', b.seen(), limit, 'x')).toBe('expired')
    clock.now -= 1001
    expect(table.expire('c', c.seen(), limit, 'x')).toBe('expired')
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
  it('a failover brings the copy back, with its epoch and another store id', () => {
    const { table, clock, member } = world()
    const a = member('a')
    table.drain('a', true)
    const copy = table.snapshot()
    const known = [table.entries(), table.heartbeats(), table.claims('a')]
    clock.now += 10
    table.serve(a.stamp(), { added: [], dropped: [A] })
    member('b')
    table.freeze(true)
    clock.now -= 10
    table.restore(copy, 'store-2')
    const [record, heartbeats, claims] = known as [object, object, object]
    expect(table.entries()).toEqual({ ...record, storeId: 'store-2' })
    expect(table.heartbeats()).toEqual({ ...heartbeats, storeId: 'store-2' })
    expect(table.claims('a')).toEqual(claims)
  })

  it('a copy stays as it was, whatever the table does before and after it came back', () => {
    const { table, member } = world()
    const a = member('a')
    const limit: ExpireLimit = { max: 1, windowMs: 1000 }
    const copy = table.snapshot()
    for (const storeId of ['store-2', 'store-3']) {
      expect(table.claims('a')).toEqual(new Set([A]))
      expect(table.serve({ ...a.stamp(), sequence: 50 }, { added: [testId(2)], dropped: [A] })).toBe('ok')
      const seen = { incarnation: a.incarnation, sequence: 50 }
      expect(table.expire('a', seen, limit, 'b')).toBe('expired')
      table.restore(copy, storeId)
    }
    expect(table.entries().members.get('a')?.state).toBe('active')
  })

  it('after a failover nobody counts for a release before it has told its claims again', () => {
    const { table, member } = world()
    const b = member('b')
    const a = member('a')
    table.restore(table.snapshot(), 'store-2')
    expect(a.release('b')).toEqual({ status: 'ok', released: [] })
    b.heartbeat(0, 'store-2')
    expect(a.release('b')).toEqual({ status: 'ok', released: [A] })
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

  it('a store that lost everything knows nobody, and gives a new epoch that the lost ones do not reach', () => {
    const { table, clock, member } = world()
    const a = member('a')
    table.freeze(true)
    const { epoch } = table.entries()
    table.clear('store-2')
    expect(table.entries()).toEqual({
      epoch: 0,
      cause: '',
      storeId: 'store-2',
      frozen: false,
      members: new Map(),
      broken: 0,
    })
    expect(table.heartbeats()).toEqual({
      epoch: 0,
      storeId: 'store-2',
      frozen: false,
      heartbeats: new Map(),
      broken: 0,
    })
    expect([table.claims('a'), a.heartbeat().status]).toEqual([new Set(), 'missing'])
    clock.now += 1
    expect(member('a').epoch).toBeGreaterThan(epoch)
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
    const record = table.entries()
    const heartbeats = table.heartbeats()
    const claims = table.claims('a')
    table.drain('a', true)
    table.serve(a.stamp(), { added: [testId(2)], dropped: [] })
    expect(record.members.get('a')?.state).toBe('active')
    expect(heartbeats.heartbeats.get('a')?.sequence).toBe(a.seen().sequence - 1)
    expect(claims).toEqual(new Set([A]))
  })
})
