import { type Handover, type Member, OwnershipUnavailable } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { candidate, fakeHost, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { MeasuredBlock, MeasuredRun, MetricsSubject } from '../../src/metrics/metrics.ts'
import { METRICS } from '../../src/metrics/table.ts'
import { samples } from './exposition.ts'

const BLOCK: MeasuredBlock = {
  candidate: candidate(),
  state: 'serving',
  by: 'sink',
  reason: 'added',
  since: 0,
  events: [],
}
const MEMBER: Member = { id: 'me', zone: undefined, address: undefined, state: 'active', beatAge: 0 }
const RUN = {
  status: 'done',
  listed: true,
  assigned: 3,
  summary: {
    run: { complete: true, reason: 'interval', durationMs: 1 },
    blocks: { added: 1, dropped: 0 },
    stages: [],
    failures: [],
  },
} as unknown as MeasuredRun

/** A gateway of which everything is known, until `known` is false. */
function told() {
  const host = fakeHost()
  const state = { known: true, blocks: [BLOCK] as readonly MeasuredBlock[] }
  const whenKnown = <T>(value: T): T => {
    if (!state.known) throw new OwnershipUnavailable()
    return value
  }
  const handover = {
    known: () => state.known,
    owners: () => whenKnown([{ member: 'me', rank: 0, target: true, serves: true, live: true }]),
    members: () => [MEMBER],
    counts: () => ({ storeErrors: 0, refusedExpiries: 0, broken: 0 }),
  } as Partial<Handover>
  const subject = {
    host,
    files: { free: async () => whenKnown(7), list: async () => whenKnown([{ path: 'a', size: 5 }]) },
    plan: { segments: [], sink: { name: 'sink' }, ownership: { epoch: () => 4, handover } },
    instance: { id: 'me', zone: undefined },
    blocks: () => state.blocks,
    loaded: () => new Map(state.blocks.map(() => [testId(1), { id: testId(1), bytes: 9 }])),
    inFlight: () => state.blocks.length,
    deaths: () => state.blocks.length,
    unconfirmed: () => state.blocks.length,
    health: () => (state.known ? [{ name: 'sink', state: 'running' }] : []),
  } as unknown as MetricsSubject
  const meters = setupMetrics()
  meters.metrics.observe(subject)
  return {
    host,
    state,
    async run() {
      meters.metrics.run(RUN)
      await settle()
    },
    text: () => meters.text(),
    read: async () => samples(await meters.text()),
  }
}

const GAUGES = Object.entries(METRICS)
  .filter(([, { kind }]) => kind === 'gauge')
  .map(([key, { name }]) => [key as keyof typeof METRICS, name] as const)

/** What each gauge tells once nothing is known any more, and no block is there; undefined: it is absent. */
const AFTER: Partial<Record<keyof typeof METRICS, number | undefined>> = {
  blocks: 0,
  assigned: 3,
  loaded: 0,
  serving: 0,
  inFlight: 0,
  loadedBytes: 0,
  unconfirmed: 0,
  viewAge: 60,
  journalDeaths: 0,
  diskUsed: undefined,
  diskFree: undefined,
  lingeringOldest: 0,
  pinned: 0,
  pinnedOldest: 0,
  underReplicated: undefined,
  epoch: 4,
  members: undefined,
  component: undefined,
}

describe('a gauge whose value is not known any more', () => {
  it('has a row in the table of this test', () => {
    expect(Object.keys(AFTER).sort()).toEqual(GAUGES.map(([key]) => key).sort())
  })

  it.each(GAUGES)('%s is told while it is known, and then never as it was', async (key, name) => {
    const { host, state, run, read } = told()
    const values = (found: Record<string, number>) =>
      Object.entries(found).flatMap(([sample, value]) => (sample.replace(/\{.*/, '') === name ? [value] : []))
    await run()
    expect(values(await read())).not.toEqual([])
    state.known = false
    state.blocks = []
    await host.advance(60_000)
    // The disk is measured after a run; one that failed has no view.
    if (key.startsWith('disk')) await run()
    expect(values(await read())).toEqual(AFTER[key] === undefined ? [] : [AFTER[key]])
    state.known = true
    state.blocks = [BLOCK]
    await run()
    expect(values(await read())).not.toEqual([])
  })

  it('is absent also where there is a block to count', async () => {
    const { state, run, read } = told()
    await run()
    expect(await read()).toHaveProperty('blockgate_blocks_under_replicated', 0)
    state.known = false
    expect(await read()).not.toHaveProperty('blockgate_blocks_under_replicated')
    expect(await read()).toHaveProperty('blockgate_member_store_errors_total', 0)
  })

  it('is not lost to a second scrape at the same time', async () => {
    const { run, text } = told()
    await run()
    const [first, second] = await Promise.all([text(), text()])
    expect(second).toBe(first)
    for (const [, name] of GAUGES) expect(second).toContain(`\n${name}`)
    expect(await text()).toContain('\nblockgate_blocks_under_replicated 0\n')
  })
})
