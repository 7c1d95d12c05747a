import { type BlockId, type Handover, type Owner, OwnershipUnavailable, type SetStage } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { MeasuredBlock } from '../../src/contracts/metrics.ts'
import { owner } from '../support/ring.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink } from '../support/world.ts'
import { measured } from './measured.ts'

const UNDER = 'blocks_under_replicated'

describe('under-replicated blocks', () => {
  const notServing = { serves: false }
  it.each<[string, Owner[], number]>([
    ['as many serve it as own it', [owner('me'), owner('b')], 0],
    ['an owner does not serve it', [owner('me'), owner('b', notServing)], 1],
    ['an owner is down, whatever it advertises', [owner('me'), owner('b', { live: false })], 1],
    ['a pending hand-off fails over', [owner('me'), owner('b', notServing), owner('c', { target: false })], 0],
    ['the first owner counts it', [owner('b'), owner('me', notServing)], 0],
    ['the first owner is down, and the next counts it', [owner('b', { live: false }), owner('me')], 1],
    ['nobody has it', [owner('me', notServing)], 1],
  ])('%s', async (_, owners, count) => {
    const { gateway, read } = await measured({ list: blocks(1) }, { owners: () => owners })
    await gateway.sync()
    expect((await read())[UNDER]).toBe(count)
  })

  it('are asked for where a filter let the block through, and neither as a pending hand-off nor where it was seen in part', async () => {
    const sink = scriptedSink()
    sink.fail(2, ...Array.from({ length: 4 }, () => new Error('no')))
    sink.hold(...blocks(5))
    const noThree: SetStage = {
      kind: 'set',
      name: 'no-three',
      select: all => all.map(({ meta: { ulid: id } }) => (numberOf(id) === 3 ? { id, skip: 'three' } : { id })),
    }
    const ownership = scriptedOwnership([1, 2, 3])
    const { owners } = ownership.handover as Handover
    let asked: number[] | undefined
    const asking: Handover['owners'] = block => {
      asked?.push(numberOf(block.ulid))
      return asked ? [owner('me', notServing)] : owners(block)
    }
    const list = blocks(1, 2, 3, 4, 5)
    const { gateway, run, read, source } = await measured(
      { list, sink, stages: [noThree], ownership },
      { owners: asking },
    )
    source.partial = [{ id: testId(7), reason: 'no-meta-json', keep: false }]
    await run()
    expect([...gateway.catalogue.all()].map(({ id, state }) => `${numberOf(id)} ${state}`).slice(0, 5)).toEqual([
      ...['1 serving', '2 failed', '3 skipped', '4 skipped', '5 last-copy'],
    ])
    asked = []
    // 1 is served, 2 failed, 4 was skipped by owned().
    expect((await read())[UNDER]).toBe(3)
    expect(asked).toEqual([1, 2, 4])
  })

  it('are asked for again only by their first live owner, until the epoch moves', async () => {
    const asked: number[] = []
    const ownership = scriptedOwnership()
    const owners = ({ ulid }: { readonly ulid: BlockId }) => {
      asked.push(numberOf(ulid))
      return [owner(numberOf(ulid) === 1 ? 'me' : 'b', notServing)]
    }
    const { gateway, read } = await measured({ list: blocks(1, 2, 3), ownership }, { owners })
    await gateway.sync()
    const told = async () => {
      asked.length = 0
      return [(await read())[UNDER], asked.join()]
    }
    expect(await told()).toEqual([1, '1,2,3'])
    expect(await told()).toEqual([1, '1'])
    ownership.tick()
    expect(await told()).toEqual([1, '1,2,3'])
  })

  it('are asked for in slices, so that others get their turn', async () => {
    const list = blocks(...Array.from({ length: 5_000 }, (_, i) => i + 1))
    const { gateway, read, host } = await measured({ list }, { owners: () => [owner('me', notServing)] })
    await gateway.sync()
    let turns = 0
    host.nextTurn = async () => void turns++
    expect((await read())[UNDER]).toBe(5_000)
    expect(turns).toBeGreaterThanOrEqual(2)
  })

  it('are absent where the owners cannot be known; without a hand-over all of its metrics are', async () => {
    const owners = () => {
      throw new OwnershipUnavailable()
    }
    const away = await measured({ list: blocks(1) }, { owners })
    await away.gateway.sync()
    expect(await away.read()).not.toHaveProperty(UNDER)
    expect(await away.read()).toHaveProperty('ownership_epoch', 1)
    const { read } = await measured({ ownership: scriptedOwnership([1], { handover: false }) })
    const names = Object.keys(await read())
    expect(names.filter(name => name === UNDER || /^(?:ownership_epoch|members?\b|member_)/.test(name))).toEqual([])
  })
})

it('members are told by state, also the states that nobody is in, with the epoch and what went wrong', async () => {
  const member = { zone: undefined, address: undefined, heartbeatAge: 0 }
  const counts = { storeErrors: 1, refusedExpiries: 2, broken: 3, heartbeatDelayMs: 1_500 }
  const placement = { named: 4, skew: 1.07, published: 5, lost: 6, broken: 7 }
  const { read } = await measured(
    {},
    {
      members: () => [
        { ...member, id: 'a', state: 'active' },
        { ...member, id: 'b', state: 'active' },
        { ...member, id: 'c', state: 'down' },
      ],
      counts: () => ({ ...counts, placement }),
    },
  )
  expect(await read()).toMatchObject({
    ownership_epoch: 1,
    'members{state="active"}': 2,
    'members{state="leaving"}': 0,
    'members{state="down"}': 1,
    'member_standing{standing="member"}': 1,
    'member_standing{standing="alone"}': 0,
    member_heartbeat_delay_seconds: 1.5,
    member_store_errors_total: 1,
    member_expiries_refused_total: 2,
    member_store_broken_entries_total: 3,
    placement_named_blocks: 4,
    placement_skew_ratio: 1.07,
    placement_published_total: 5,
    placement_lost_total: 6,
    placement_broken_total: 7,
  })
  counts.broken = 5
  expect((await read()).member_store_broken_entries_total).toBe(5)
})

describe('blocks that wait for others', () => {
  it('grow older from run to run', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, read } = await measured({ list: blocks(1), ownership })
    await gateway.sync()
    ownership.lose(1)
    await gateway.sync()
    await host.advance(60_000)
    await gateway.sync()
    expect(await read()).toMatchObject({ blocks_last_copy: 1, blocks_last_copy_oldest_seconds: 60 })
  })

  it('tells the age of the oldest pending hand-off and last copy, and 0 where there is none', async () => {
    const { host, read, gateway } = await measured()
    const entry = (state: string, since: number): MeasuredBlock => {
      return { candidate: undefined, state, by: 'owned', reason: state, since: host.now() - since, events: [] }
    }
    const list = [
      ...[5_000, 9_000, 2_000].map(age => entry('pending-hand-off', age)),
      entry('last-copy', 7_000),
      entry('serving', 99_000),
    ]
    Object.assign(gateway.catalogue, { all: () => list.values() })
    const told = async () => {
      const all = await read()
      const ages = [all.blocks_pending_hand_off_oldest_seconds, all.blocks_last_copy_oldest_seconds]
      return [...ages, all.blocks_last_copy, all.blocks_serving]
    }
    // All but one of those that are served are a pending hand-off, or a last copy.
    expect(await told()).toEqual([9, 7, 1, 5])
    list.length = 0
    expect(await told()).toEqual([0, 0, 0, 0])
  })
})

it('what the engine tells of ownership is counted: re-offers, aborted loads with what they wasted, how long a change took', async () => {
  const { metrics, read } = await measured()
  for (const blocks of [2, 1]) metrics.reoffered(blocks)
  for (const bytes of [0, 100]) metrics.addAborted(bytes)
  metrics.converged(700)
  expect(await read()).toMatchObject({
    blocks_reoffered_total: 3,
    adds_aborted_total: 2,
    wasted_bytes_total: 100,
    ownership_converged_seconds_sum: 0.7,
    'ownership_converged_seconds_bucket{le="0.5"}': 0,
    'ownership_converged_seconds_bucket{le="1"}': 1,
  })
})
