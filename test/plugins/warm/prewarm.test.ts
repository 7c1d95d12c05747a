/** What is loaded ahead, in which order, and what is not. */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  type BlockSink,
  type BlockStage,
  type Candidate,
  gateway,
  type Member,
  owned,
  type Pipeline,
  resolveConfig,
  skip,
} from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { type PrewarmOptions, prewarm } from 'blockgate/plugins/warm/prewarm'
import { candidate, type FakeHost, fakeHost, memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { budgetOf, bytesOf } from '../../../plugins/warm/prewarm/budget.ts'
import { SETTLES } from '../../../plugins/warm/prewarm/choice.ts'
import { Leaving } from '../../../plugins/warm/prewarm/leaving.ts'
import { anyOf, heatOf, scoreOf } from '../../../plugins/warm/prewarm/score.ts'
import { Waste } from '../../../plugins/warm/prewarm/waste.ts'
import { numberOf, scriptedOwnership, scriptedSink, scriptedSource } from '../../support/world.ts'

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 0, 1)
/** Block `n` ended `n` weeks ago, and has an index of `bytes`. */
const block = (n: number, bytes = 100) =>
  candidate({ ulid: testId(n), maxTime: NOW - n * 168 * HOUR, files: [{ path: 'index', size: bytes }] })

/** A scripted sink whose warm blocks are in memory; its blocks have one byte, its warm ones as many as their index. */
function warmSink() {
  const sink = scriptedSink()
  const held = new Map<BlockId, number>()
  const log: string[] = []
  const gates = new Map<number, Promise<void>>()
  const warm: NonNullable<BlockSink['warm']> = {
    held,
    hits: 0,
    async keep(context: BlockContext) {
      const n = numberOf(context.id)
      log.push(`warm ${n}`)
      const aborted = new Promise((_, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason))
      })
      const gate = gates.get(n)
      if (gate) await Promise.race([gate, aborted])
      const bytes = context.meta.files[0]?.size ?? 0
      context.reserve?.(bytes)
      held.set(context.id, bytes)
    },
    forget(id) {
      log.push(`forget ${numberOf(id)}`)
      held.delete(id)
    },
    shrink(bytes) {
      let all = [...held.values()].reduce((a, b) => a + b, 0)
      for (const [id, size] of [...held].reverse()) {
        if (all <= bytes) return
        all -= size
        this.forget(id)
      }
    },
  }
  const gate = (n: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    gates.set(n, promise)
    promise.catch(() => {})
    return {
      open: () => {
        gates.delete(n)
        resolve()
      },
      fail: () => {
        gates.delete(n)
        reject(new Error('503'))
      },
    }
  }
  return Object.assign(sink, { warm, told: log, warmGate: gate, warmOnes: () => [...held.keys()].map(numberOf) })
}

const well = (id: string): Member => ({ id, zone: undefined, address: undefined, state: 'active', heartbeatAge: 1_000 })

async function world(
  list: readonly Candidate[],
  given: { options?: PrewarmOptions; diskBudget?: number; mine?: number[]; without?: number } = {},
) {
  const host: FakeHost = fakeHost({ now: NOW })
  const ownership = scriptedOwnership(given.mine ?? [])
  const members = new Map<string, Member>()
  const after = new Map<number, readonly string[]>(list.map(({ meta }) => [numberOf(meta.ulid), ['a']]))
  Object.assign(ownership.handover ?? {}, {
    members: () => [...members.values()],
    next: ({ ulid }: { ulid: BlockId }) => after.get(numberOf(ulid)),
  })
  members.set('a', well('a'))
  const sink = warmSink()
  // It tells how much of an index is its header: here all of it.
  const known = block(0, 1)
  ownership.gain(0)
  const source = scriptedSource([known, ...list])
  const without: BlockStage = {
    kind: 'block',
    name: 'without',
    handle: async ({ id }, next) => (given.without === numberOf(id) ? skip('not-wanted') : await next()),
  }
  const pipeline = [source, without, owned(ownership), sink] as unknown as Pipeline
  const config = await resolveConfig(
    { pipeline, prewarm: prewarm({ budget: 1_000, ...given.options }), diskBudget: given.diskBudget, every: '1h' },
    { env: {} },
  )
  const made = gateway(config, { host, state: memoryState() })
  onTestFinished(async () => made.stop())
  await made.start()
  // Until now it is next only since the start.
  await host.advance(SETTLES)
  const { prewarm: warmer } = made
  if (sink.told.length > 0) throw new Error('nothing may be loaded yet')
  if (!warmer) throw new Error('there must be one')
  return { host, ownership, members, after, sink, source, gateway: made, warmer }
}

describe('prewarm()', () => {
  it('loads ahead what it is next for, a few at once, the hottest first, and nothing else', async () => {
    const w = await world([block(3), block(1), block(2), block(4)], { mine: [4], options: { concurrency: 1 } })
    w.after.delete(2)
    await w.host.advance(1_000)
    expect(w.sink.told).toEqual(['warm 1', 'warm 3'])
    expect([w.sink.numbers, w.sink.warmOnes()]).toEqual([
      [0, 4],
      [1, 3],
    ])
    expect(w.sink.log).toEqual(['prepare 0', 'commit 0', 'prepare 4', 'commit 4'])
    // Nobody is told of them, and they count as loaded nowhere.
    expect(w.ownership.log.filter(line => line.startsWith('serve'))).toEqual(['serve +0', 'serve +4'])
    expect(w.gateway.catalogue.get(testId(1))?.state).toBe('skipped')
    expect(w.warmer.stats).toMatchObject({ blocks: 2, bytes: 200, loaded: 2, hits: 0, failed: 0, paused: undefined })
    expect(w.warmer.why(block(1).meta)).toBe('this gateway holds it next if a goes (a is well)')
    expect(w.warmer.why(block(2).meta)).toBeUndefined()
  })

  it('has at most as many on their way as it may, and begins none while a run goes on, or queries wait', async () => {
    const w = await world([1, 2, 3, 4, 5].map(n => block(n)))
    const gates = [1, 2].map(n => w.sink.warmGate(n))
    await w.host.advance(1_000)
    expect(w.sink.told).toEqual(['warm 1', 'warm 2'])
    const queries = { now: 0, waiting: 1 }
    w.warmer.observeQueries({ running: () => queries.now, queued: () => queries.waiting }, 10)
    gates[0]?.open()
    await w.host.advance(5_000)
    expect([w.sink.told.length, w.warmer.stats.paused]).toEqual([2, 'queries'])
    Object.assign(queries, { now: 8, waiting: 0 })
    await w.host.advance(5_000)
    expect(w.sink.told.length).toBe(2)
    queries.now = 7
    await w.host.advance(1_000)
    expect(w.sink.told).toEqual(['warm 1', 'warm 2', 'warm 3', 'warm 4', 'warm 5'])
    gates[1]?.open()
    await settle()
    // A run that waits for a load.
    const open = w.sink.gate(7)
    w.source.list = [...w.source.list, block(7), block(8)]
    w.after.set(8, ['a'])
    w.ownership.gain(7)
    const run = w.gateway.sync()
    await w.host.advance(5_000)
    expect([w.sink.told.at(-1), w.warmer.stats.paused]).toEqual(['warm 5', 'sync'])
    open()
    await run
    await w.host.advance(SETTLES - 60_000)
    expect(w.sink.told.at(-1)).toBe('warm 5')
    await w.host.advance(61_000)
    expect(w.sink.told.at(-1)).toBe('warm 8')
  })

  it('stays within its budget, and takes what is likelier to come in the place of what is not', async () => {
    const w = await world(
      [1, 2, 3, 4].map(n => block(n)),
      { options: { budget: 250 } },
    )
    w.members.set('b', well('b'))
    w.after.set(4, ['b'])
    await w.host.advance(2_000)
    expect(w.sink.warmOnes()).toEqual([1, 2])
    w.members.set('b', { ...well('b'), heartbeatAge: 14_000 })
    await w.host.advance(2_000)
    expect(w.sink.warmOnes()).toEqual([1, 4])
    expect(w.warmer.why(block(4).meta)).toBe('this gateway holds it next if b goes (the heartbeat of b is late)')
    // Well again: what is there stays, for nothing is gained by another.
    w.members.set('b', well('b'))
    await w.host.advance(60_000)
    expect([w.sink.warmOnes(), w.warmer.stats.wasted]).toEqual([[1, 4], 1])
  })

  it('gives up a load whose owner is well again for two of its heartbeats, and not before', async () => {
    const w = await world([block(1), block(2)], { options: { budget: 100, concurrency: 1 } })
    w.members.set('b', { ...well('b'), heartbeatAge: 14_000 })
    w.after.set(2, ['b'])
    const gate = w.sink.warmGate(2)
    await w.host.advance(2_000)
    w.members.set('b', well('b'))
    await w.host.advance(5_000)
    expect(w.sink.told).toEqual(['warm 2'])
    await w.host.advance(5_000)
    expect(w.sink.told).toEqual(['warm 2', 'warm 1'])
    expect([w.sink.warmOnes(), w.warmer.stats.failed]).toEqual([[1], 0])
    gate.open()
  })

  it('leaves the disk budget to what is added: warm blocks go first, and none comes that does not fit', async () => {
    const w = await world(
      [1, 2, 3].map(n => block(n)),
      { diskBudget: 202 },
    )
    await w.host.advance(1_000)
    expect(w.sink.warmOnes()).toEqual([1, 2])
    w.ownership.gain(3)
    await w.host.advance(1_000)
    expect([w.sink.numbers, w.sink.warmOnes()]).toEqual([
      [0, 3],
      [1, 2],
    ])
    w.source.list = [...w.source.list, block(5), block(6)]
    w.ownership.gain(5, 6)
    await w.gateway.sync()
    expect([w.sink.numbers, w.sink.warmOnes()]).toEqual([[0, 3, 5, 6], [1]])
  })

  it('keeps what has become its own until it is added, and lets go of what goes to others', async () => {
    const w = await world([block(1), block(2), block(3)])
    await w.host.advance(1_000)
    const open = w.sink.gate(1)
    w.after.clear()
    w.after.set(3, ['a'])
    w.ownership.gain(1)
    await w.host.advance(100)
    expect(w.warmer.why(block(1).meta)).toContain('goes')
    await w.host.advance(2_000)
    expect(w.sink.warmOnes()).toEqual([1, 2, 3])
    open()
    await w.host.advance(2_000)
    expect(w.sink.warmOnes()).toEqual([1, 3])
  })

  it('loads nothing ahead that a stage keeps out, and keeps what is its own and could not be added', async () => {
    const w = await world([block(1), block(2)], { without: 2 })
    await w.host.advance(1_000)
    expect(w.sink.told).toEqual(['warm 1'])
    w.sink.fail(1, new BlockgateError('corrupt-block', 'bad'))
    w.after.clear()
    w.ownership.gain(1)
    await w.host.advance(120_000)
    expect([w.gateway.catalogue.get(testId(1))?.state, w.sink.warmOnes()]).toEqual(['failed', [1]])
  })

  it('forgets nothing while it does not know who owns what, and loads nothing', async () => {
    const w = await world([block(1), block(2)], { options: { budget: 100 } })
    await w.host.advance(1_000)
    w.ownership.unavailable = true
    w.after.clear()
    w.ownership.tick()
    await w.host.advance(120_000)
    expect([w.sink.told, w.warmer.stats.paused]).toEqual([['warm 1'], 'unknown'])
    w.ownership.unavailable = false
    w.ownership.standing = 'alone'
    w.ownership.tick()
    await w.host.advance(120_000)
    expect(w.sink.told).toEqual(['warm 1'])
    w.ownership.standing = 'member'
    w.ownership.tick()
    await w.host.advance(2_000)
    expect(w.sink.told).toEqual(['warm 1', 'forget 1'])
  })

  it('tries a block that failed ten minutes later, tells of it, and loads the others', async () => {
    const w = await world([block(1), block(2)], { options: { concurrency: 1 } })
    const gate = w.sink.warmGate(1)
    await w.host.advance(1_000)
    gate.fail()
    await w.host.advance(60_000)
    expect([w.sink.told, w.warmer.stats.failed]).toEqual([['warm 1', 'warm 2'], 1])
    expect(w.host.lines.map(({ message }) => message)).toContain('a block could not be loaded ahead')
    await w.host.advance(660_000)
    expect(w.sink.warmOnes()).toEqual([2, 1])
  })

  it('ends its loads at the stop, and leaves no timer', async () => {
    const w = await world([block(1)])
    w.sink.warmGate(1)
    await w.host.advance(1_000)
    await w.gateway.stop()
    expect([w.sink.warmOnes(), w.host.pendingTimers, w.warmer.stats.failed]).toEqual([[], 0, 0])
  })

  it('is refused where nobody knows who is next, where the sink keeps nothing, and for options that cannot be', async () => {
    const pipeline = [scriptedSource([]), memory()] as unknown as Pipeline
    const options = { budget: '0%', concurrency: 0, heat: 1 }
    const config = { pipeline, prewarm: prewarm(options as never), bucket: undefined }
    const problems = await resolveConfig(config, { env: {} }).catch(error => error.message.split('\n'))
    expect(problems).toEqual([
      expect.stringMatching(/prewarm.budget: must be a number of bytes > 0/),
      expect.stringMatching(/^prewarm.concurrency: must be >= 1/),
      expect.stringMatching(/^prewarm.heat: must be one of the known options/),
      expect.stringMatching(/^prewarm: must be left out: the pipeline has no owned\(\) whose plugin knows who is next/),
      expect.stringMatching(/^prewarm: must be left out: the sink memory cannot keep/),
    ])
    const wrong = { pipeline: [scriptedSource([]), scriptedSink()] as unknown as Pipeline, prewarm: '10%' }
    await expect(resolveConfig(wrong as never, { env: {} })).rejects.toThrow('prewarm: must be such as prewarm({ … })')
  })
})

describe('what prewarm() reckons with', () => {
  it('a budget: bytes, or a share of the disk', async () => {
    const budgets = ['10%', '0.5%', '100%', '101%', '0%', '2GiB', '512M', 7, 0, -1, 'much', undefined].map(budgetOf)
    const gone = undefined
    expect(budgets).toEqual([
      ...[{ share: 0.1 }, { share: 0.005 }, { share: 1 }, gone, gone],
      ...[{ bytes: 2 ** 31 }, { bytes: 2 ** 29 }, { bytes: 7 }, gone, gone, gone, gone],
    ])
    const disk = { files: { free: async () => 900 } as never, diskBudget: Number.POSITIVE_INFINITY, ours: 100 }
    expect(await bytesOf({ share: 0.1 }, disk)).toBe(100)
    expect(await bytesOf({ share: 0.1 }, { ...disk, diskBudget: 50 })).toBe(5)
    expect(await bytesOf({ bytes: 7 }, disk)).toBe(7)
  })

  it('how likely a member goes: a late heartbeat counts from twice what is usual for it', () => {
    const leaving = new Leaving()
    const look = (heartbeatAge: number, now: number, state: Member['state'] = 'active') =>
      leaving.look([{ ...well('a'), heartbeatAge, state }], now)
    look(0, 0)
    for (let at = 1; at <= 70; at++) look((at % 10) * 1_000, at * 1_000)
    // Its gaps are of nine seconds.
    expect(leaving.chance('a')).toBe(0.01)
    look(17_000, 87_000)
    expect(leaving.chance('a')).toBe(0.01)
    look(27_000, 97_000)
    expect(leaving.chance('a')).toBeGreaterThan(0.5)
    const { version } = leaving
    look(1_000, 98_000)
    expect([leaving.chance('a') > 0.5, leaving.version]).toEqual([true, version])
    look(1_000, 98_000 + 19_000)
    expect([leaving.chance('a'), leaving.version]).toEqual([0.01, version + 1])
    look(1_000, 120_000, 'leaving')
    expect(leaving.chance('a')).toBe(0.99)
    look(1_000, 121_000, 'down')
    look(1_000, 200_000)
    // It went once.
    expect(leaving.chance('a')).toBeCloseTo(0.02, 3)
    leaving.look([], 201_000)
    expect([leaving.chance('a'), leaving.why('a')]).toEqual([0.01, 'a is well'])
  })

  it('scores: newer, smaller and likelier blocks come first', () => {
    expect([0, 48, 48 + 168].map(hours => heatOf({ maxTime: NOW - hours * HOUR }, NOW))).toEqual([1, 1, 0.5])
    expect(heatOf({ maxTime: 0 }, NOW)).toBe(0.05)
    expect(scoreOf(0.5, 1, 10_000)).toBe(scoreOf(1, 0.5, 10_000))
    expect(scoreOf(1, 1, 10_000)).toBeGreaterThan(scoreOf(1, 1, 20_000))
    expect([anyOf([0.5, 0.5]), anyOf([0.2]), anyOf([])]).toEqual([0.75, expect.closeTo(0.2), 0])
  })

  it('waste: an hour unused, or gone unused, once each; what was added is none', () => {
    const waste = new Waste()
    const [a, b, c] = [testId(1), testId(2), testId(3)]
    for (const id of [a, b, c]) waste.warmed(id, 0)
    waste.look(
      new Map([
        [a, 1],
        [b, 1],
        [c, 1],
      ]),
      new Set(),
      0,
    )
    waste.look(new Map([[a, 1]]), new Set([b]), HOUR - 1)
    expect(waste.count).toBe(1)
    waste.look(new Map([[a, 1]]), new Set(), HOUR)
    waste.look(new Map(), new Set(), 2 * HOUR)
    expect(waste.count).toBe(2)
  })
})
