import type { LocalFiles } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../src/contracts/metric-table.ts'
import { blocks, scriptedOwnership, world } from '../support/world.ts'
import { samples } from './exposition.ts'

/** A gateway of which everything is known, until `known(false)`. */
async function told() {
  const disk = { broken: false }
  const measured = async <T>(value: T): Promise<T> => {
    if (disk.broken) throw new Error('EIO')
    return value
  }
  const files = { free: () => measured(7), list: () => measured([{ path: 'a', size: 5 }]) } as Partial<LocalFiles>
  const ownership = scriptedOwnership()
  const counts = { storeErrors: 0, refusedExpiries: 0, broken: 0, heartbeatDelayMs: 5 }
  Object.assign(ownership.handover ?? {}, { counts: () => counts })
  const meters = setupMetrics()
  const made = await world({ list: blocks(1), ownership, files: files as LocalFiles, metrics: meters.metrics })
  await made.gateway.sync()
  await made.host.advance(0)
  return {
    ...made,
    ownership,
    async known(is: boolean) {
      ownership.unavailable = !is
      disk.broken = !is
      await made.gateway.sync()
      await made.host.advance(0)
    },
    text: () => meters.text(),
    read: async () => samples(await meters.text()),
  }
}

const GAUGES = Object.values(METRICS)
  .filter(({ kind }) => kind === 'gauge')
  .map(({ name }) => name)

/** What may stop being known: the owners, and the disk. Every other gauge is what the gateway itself did or saw. */
const UNKNOWN: readonly string[] = [
  METRICS.underReplicated.name,
  METRICS.members.name,
  METRICS.diskUsed.name,
  METRICS.diskFree.name,
]

const namesOf = (found: Record<string, number>) => new Set(Object.keys(found).map(sample => sample.replace(/\{.*/, '')))

describe('a gauge whose value is not known any more', () => {
  it.each(GAUGES)('%s is told while it is known, and never as it was', async name => {
    const { known, read } = await told()
    expect(namesOf(await read())).toContain(name)
    await known(false)
    expect([name, namesOf(await read()).has(name)]).toEqual([name, !UNKNOWN.includes(name)])
    await known(true)
    expect(namesOf(await read())).toContain(name)
  })

  it('is absent also where there is no block to ask the owners of', async () => {
    const { source, gateway, known, read } = await told()
    source.list = []
    await gateway.sync({ confirmDrops: true })
    await gateway.sync({ confirmDrops: true })
    expect(await read()).toMatchObject({ blockgate_blocks_loaded: 0, blockgate_blocks_under_replicated: 0 })
    await known(false)
    expect(await read()).not.toHaveProperty('blockgate_blocks_under_replicated')
    expect(await read()).toHaveProperty('blockgate_member_store_errors_total', 0)
  })

  it.each([
    ['handover.owners', 'owners', METRICS.underReplicated.name],
    ['handover.members', 'members', METRICS.members.name],
    ['handover.standing', 'standing', METRICS.standing.name],
    ['handover.counts', 'counts', METRICS.storeErrors.name],
    ['ownership.epoch', 'epoch', METRICS.epoch.name],
    ['sink.loaded', 'loaded', METRICS.loaded.name],
  ])('is absent where %s() throws, which is counted; all others are told', async (call, method, name) => {
    const { ownership, sink, host, read } = await told()
    const throws = () => {
      throw new Error('boom')
    }
    if (call === 'sink.loaded') Object.assign(sink, { loaded: throws })
    else Object.assign(call === 'ownership.epoch' ? ownership : (ownership.handover ?? {}), { [method]: throws })
    const names = namesOf(await read())
    expect(names.has(name)).toBe(false)
    for (const other of [
      'blockgate_blocks',
      'blockgate_journal_deaths',
      'blockgate_blocks_pinned',
      'blockgate_runs_total',
    ])
      expect(names).toContain(other)
    expect(await read()).toMatchObject({ [`blockgate_faults_total{call="${call}"}`]: expect.any(Number) })
    expect(host.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ call }) }),
    )
  })

  it('is not lost to a second scrape at the same time', async () => {
    const { text } = await told()
    const [first, second] = await Promise.all([text(), text()])
    expect(second).toBe(first)
    for (const name of GAUGES) expect(second).toContain(`\n${name}`)
    expect(await text()).toContain('\nblockgate_blocks_under_replicated 0\n')
  })
})
