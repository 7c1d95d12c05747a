import { type BlockId, type Handover, type Owner, OwnershipUnavailable } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { describe, expect, it } from 'vitest'
import type { MeasuredBlock } from '../../src/contracts/metrics.ts'
import { owner } from '../support/ring.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink, type WorldOptions, world } from '../support/world.ts'
import { samples } from './exposition.ts'

/** Reads the metrics of a gateway whose ownership plugin has `changed` in its hand-over. */
async function measured(changed: Partial<Handover>, options: WorldOptions = {}) {
  const plugin = options.ownership ?? scriptedOwnership()
  const ownership = Object.assign(plugin, plugin.handover && { handover: { ...plugin.handover, ...changed } })
  const meters = setupMetrics()
  const made = await world({ ...options, ownership, metrics: meters.metrics })
  return { ...made, metrics: meters.metrics, read: async () => samples(await meters.text()) }
}

describe('under-replicated blocks', () => {
  const UNDER = 'blockgate_blocks_under_replicated'
  const counted = async (owners: readonly Owner[]) => {
    const { gateway, read } = await measured({ owners: () => owners }, { list: blocks(1) })
    await gateway.sync()
    return (await read())[UNDER]
  }

  it.each([
    ['as many serve it as own it', [owner('me'), owner('b')], 0],
    ['an owner does not serve it', [owner('me'), owner('b', { serves: false })], 1],
    ['an owner is down, whatever it claims', [owner('me'), owner('b', { live: false })], 1],
    ['a copy that lingers stands in', [owner('me'), owner('b', { serves: false }), owner('c', { target: false })], 0],
    ['the first owner counts it', [owner('b'), owner('me', { serves: false })], 0],
    ['the first owner is down, and the next counts it', [owner('b', { live: false }), owner('me')], 1],
    ['nobody has it', [owner('me', { serves: false })], 1],
  ])('%s', async (_, owners, count) => {
    expect(await counted(owners)).toBe(count)
  })

  it('are asked for where a filter let the block through, and neither where it lingers nor where it was seen in part', async () => {
    const lacking = [owner('me', { serves: false })]
    const sink = scriptedSink()
    sink.fail(2, ...Array.from({ length: 4 }, () => new Error('no')))
    sink.hold(...blocks(5))
    const asked: number[] = []
    const ownership = scriptedOwnership([1, 2, 3])
    const { owners } = ownership.handover as Handover
    const { gateway, host, read, source } = await measured(
      {},
      {
        list: blocks(1, 2, 3, 4, 5),
        sink,
        stages: [
          {
            kind: 'set',
            name: 'no-three',
            select: all =>
              all.map(({ meta }) => (numberOf(meta.ulid) === 3 ? { id: meta.ulid, skip: 'three' } : { id: meta.ulid })),
          },
        ],
        ownership: Object.assign(ownership, {
          handover: {
            ...ownership.handover,
            owners: (block: Parameters<typeof owners>[0]) => {
              asked.push(numberOf(block.ulid))
              return reading ? lacking : owners(block)
            },
          },
        }),
      },
    )
    let reading = false
    source.partial = [{ id: '00000000070000000000000007' as never, reason: 'no-meta-json', keep: false }]
    const run = gateway.sync()
    await host.advance(120_000)
    await run
    expect([...gateway.catalogue.all()].map(({ id, state }) => [numberOf(id), state]).slice(0, 5)).toEqual([
      [1, 'serving'],
      [2, 'failed'],
      [3, 'skipped'],
      [4, 'skipped'],
      [5, 'last-copy'],
    ])
    reading = true
    asked.length = 0
    // 1 is served, 2 failed, 4 was skipped by owned().
    expect((await read())[UNDER]).toBe(3)
    expect(asked).toEqual([1, 2, 4])
  })

  it('are asked for again only by their first live owner, until the epoch moves', async () => {
    const asked: number[] = []
    const ownership = scriptedOwnership()
    const owners = ({ ulid }: { readonly ulid: BlockId }) => {
      asked.push(numberOf(ulid))
      return [owner(numberOf(ulid) === 1 ? 'me' : 'b', { serves: false })]
    }
    const { gateway, read } = await measured({ owners }, { list: blocks(1, 2, 3), ownership })
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
    const { gateway, read, host } = await measured({ owners: () => [owner('me', { serves: false })] }, { list })
    await gateway.sync()
    let turns = 0
    host.nextTurn = async () => void turns++
    expect((await read())[UNDER]).toBe(5_000)
    expect(turns).toBeGreaterThanOrEqual(2)
  })

  it('are absent where the owners cannot be known, and where there is no hand-over', async () => {
    const away = await measured(
      {
        owners() {
          throw new OwnershipUnavailable()
        },
      },
      { list: blocks(1) },
    )
    await away.gateway.sync()
    expect(await away.read()).not.toHaveProperty(UNDER)
    expect(await away.read()).toHaveProperty('blockgate_ownership_epoch', 1)
    const alone = await measured({}, { ownership: scriptedOwnership([1], { handover: false }) })
    const told = await alone.read()
    for (const name of [
      UNDER,
      'blockgate_ownership_epoch',
      'blockgate_members{state="active"}',
      'blockgate_member_heartbeat_delay_seconds',
      'blockgate_member_store_errors_total',
    ]) {
      expect(told).not.toHaveProperty([name])
    }
  })
})

describe('members and their store', () => {
  it('are told by state, also the states that nobody is in, with the epoch and what went wrong', async () => {
    const member = { zone: undefined, address: undefined, heartbeatAge: 0 }
    let broken = 3
    const { read } = await measured({
      members: () => [
        { ...member, id: 'a', state: 'active' },
        { ...member, id: 'b', state: 'active' },
        { ...member, id: 'c', state: 'down' },
      ],
      counts: () => ({ storeErrors: 1, refusedExpiries: 2, broken, heartbeatDelayMs: 1_500 }),
    })
    expect(await read()).toMatchObject({
      blockgate_ownership_epoch: 1,
      'blockgate_members{state="active"}': 2,
      'blockgate_members{state="leaving"}': 0,
      'blockgate_members{state="down"}': 1,
      blockgate_member_heartbeat_delay_seconds: 1.5,
      blockgate_member_store_errors_total: 1,
      blockgate_member_expiries_refused_total: 2,
      blockgate_member_store_broken_entries_total: 3,
    })
    broken = 5
    expect((await read()).blockgate_member_store_broken_entries_total).toBe(5)
  })
})

describe('blocks that wait for others', () => {
  it('grow older from run to run', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, read } = await measured({}, { list: blocks(1), ownership })
    await gateway.sync()
    ownership.lose(1)
    await gateway.sync()
    await host.advance(60_000)
    await gateway.sync()
    expect(await read()).toMatchObject({ blockgate_blocks_pinned: 1, blockgate_blocks_pinned_oldest_seconds: 60 })
  })

  it('tells the age of the oldest one that lingers or is pinned, and 0 where there is none', async () => {
    const { host, read, gateway } = await measured({})
    const entry = (state: string, since: number): MeasuredBlock => ({
      candidate: undefined,
      state,
      by: 'owned',
      reason: state,
      since: host.now() - since,
      events: [],
    })
    const list = [
      entry('pending-hand-off', 5_000),
      entry('pending-hand-off', 9_000),
      entry('pending-hand-off', 2_000),
      entry('last-copy', 7_000),
      entry('serving', 99_000),
    ]
    Object.assign(gateway.catalogue, { all: () => list.values() })
    expect(await read()).toMatchObject({
      blockgate_blocks_lingering_oldest_seconds: 9,
      blockgate_blocks_pinned: 1,
      blockgate_blocks_pinned_oldest_seconds: 7,
    })
    list.length = 0
    expect(await read()).toMatchObject({
      blockgate_blocks_lingering_oldest_seconds: 0,
      blockgate_blocks_pinned: 0,
      blockgate_blocks_pinned_oldest_seconds: 0,
    })
  })
})

describe('what the engine tells of ownership', () => {
  it('is counted: re-offers, aborted loads with what they wasted, and how long a change took', async () => {
    const { metrics, read } = await measured({})
    metrics.reoffered(2)
    metrics.reoffered(1)
    metrics.addAborted(0)
    metrics.addAborted(100)
    metrics.converged(700)
    expect(await read()).toMatchObject({
      blockgate_blocks_reoffered_total: 3,
      blockgate_adds_aborted_total: 2,
      blockgate_wasted_bytes_total: 100,
      blockgate_ownership_converged_seconds_sum: 0.7,
      'blockgate_ownership_converged_seconds_bucket{le="0.5"}': 0,
      'blockgate_ownership_converged_seconds_bucket{le="1"}': 1,
    })
  })
})
