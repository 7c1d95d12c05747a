import type { LocalFiles, Prewarm } from 'blockgate'
import { memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../src/contracts/metric-table.ts'
import { blocks, scriptedOwnership } from '../support/world.ts'
import { measured } from './measured.ts'

const shortName = ({ name }: { readonly name: string }) => name.replace('blockgate_', '')

/** A gateway of which everything is known, until `known(false)`. */
async function told() {
  const disk = { broken: false }
  const asked = async <T>(value: T): Promise<T> => {
    if (disk.broken) throw new Error('EIO')
    return value
  }
  const files = { free: () => asked(7), list: () => asked([{ path: 'a', size: 5 }]) } as Partial<LocalFiles>
  const ownership = scriptedOwnership()
  const counts = { storeErrors: 0, refusedExpiries: 0, broken: 0, heartbeatDelayMs: 5, placement: PLACEMENT }
  const stats = { blocks: 1, bytes: 2, loaded: 3, failed: 4, hits: 5, wasted: 6, paused: 'sync' } as const
  const nothing = { start() {}, async stop() {}, observeQueries() {}, why: () => undefined }
  const prewarm: Prewarm = { name: 'some', create: () => ({ ...nothing, stats }) }
  const options = { list: blocks(1), ownership, files: files as LocalFiles, prewarm }
  const made = await measured(options, { counts: () => counts })
  made.metrics.observeQueries?.({ running: () => 0, queued: () => 0, memory: () => 0 })
  await made.metrics
    .measured({ ...memoryBucket(), limit: () => 8 }, made.host)
    .get('a', { signal: new AbortController().signal })
  const sync = async () => {
    await made.gateway.sync()
    await made.host.advance(0)
  }
  await made.gateway.start()
  await made.host.advance(0)
  return {
    ...made,
    ownership,
    async known(is: boolean) {
      ownership.unavailable = !is
      disk.broken = !is
      await sync()
    },
    /** Without their labels. */
    names: async () => new Set(Object.keys(await made.read()).map(sample => sample.replace(/\{.*/, ''))),
  }
}

const GAUGES = Object.values(METRICS)
  .filter(({ kind }) => kind === 'gauge')
  .map(shortName)
/** What may stop being known: the owners, and the disk. Every other gauge is what the gateway itself did or saw. */
const PLACEMENT = { named: 1, skew: 1, published: 1, lost: 1, broken: 1 }
const { underReplicated, members, diskUsed, diskFree } = METRICS
const UNKNOWN: readonly string[] = [underReplicated, members, diskUsed, diskFree].map(shortName)

describe('a gauge whose value is not known any more', () => {
  it('is absent, and never told as it was; every other gauge stays', async () => {
    const { known, names, read } = await told()
    const missing = async () => {
      const there = await names()
      return GAUGES.filter(name => !there.has(name)).sort()
    }
    expect(await missing()).toEqual([])
    expect((await read()).bucket_concurrency_limit).toBe(8)
    await known(false)
    expect(await missing()).toEqual([...UNKNOWN].sort())
    await known(true)
    expect(await missing()).toEqual([])
  })

  it('is absent also where there is no block to ask the owners of', async () => {
    const { source, gateway, known, read } = await told()
    source.list = []
    for (let run = 0; run < 2; run++) await gateway.sync({ confirmDrops: true })
    expect(await read()).toMatchObject({ blocks_loaded: 0, blocks_under_replicated: 0 })
    await known(false)
    expect(await read()).not.toHaveProperty('blocks_under_replicated')
    expect(await read()).toHaveProperty('member_store_errors_total', 0)
  })

  it.each([
    ['handover.owners', 'owners', METRICS.underReplicated],
    ['handover.members', 'members', METRICS.members],
    ['handover.standing', 'standing', METRICS.standing],
    ['handover.counts', 'counts', METRICS.storeErrors],
    ['ownership.epoch', 'epoch', METRICS.epoch],
    ['sink.loaded', 'loaded', METRICS.loaded],
  ])('is absent where %s() throws, which is counted; all others are told', async (call, method, metric) => {
    const { ownership, sink, host, read, names } = await told()
    const throws = () => {
      throw new Error('boom')
    }
    const [part] = call.split('.')
    const owner = part === 'sink' ? sink : part === 'ownership' ? ownership : (ownership.handover ?? {})
    Object.assign(owner, { [method]: throws })
    const there = await names()
    expect(there.has(shortName(metric))).toBe(false)
    for (const other of ['blocks', 'journal_crashes', 'blocks_last_copy', 'runs_total']) expect(there).toContain(other)
    expect(await read()).toMatchObject({ [`faults_total{call="${call}"}`]: expect.any(Number) })
    const line = { level: 'error', fields: expect.objectContaining({ call }) }
    expect(host.lines).toContainEqual(expect.objectContaining(line))
  })

  it('is told of what is loaded ahead', async () => {
    const { read } = await told()
    expect(await read()).toMatchObject({
      ...{ prewarm_blocks: 1, prewarm_bytes: 2, prewarm_loaded_total: 3, prewarm_failed_total: 4 },
      ...{ prewarm_hits_total: 5, prewarm_wasted_total: 6 },
      ...{ 'prewarm_paused{reason="sync"}': 1, 'prewarm_paused{reason="queries"}': 0 },
    })
  })

  it('is not lost to a second scrape at the same time', async () => {
    const { text } = await told()
    const [first, second] = await Promise.all([text(), text()])
    expect(second).toBe(first)
    for (const name of GAUGES) expect(second).toContain(`\nblockgate_${name}`)
    expect(await text()).toContain('\nblockgate_blocks_under_replicated 0\n')
  })
})
