/** The traces of blocks that move between gateways: told of every plugin over a member store. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { type Spans, spans } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, type ClusterOptions, cluster } from '../support/cluster.ts'
import type { Ownership } from '../support/ownerships.ts'
import { blocks } from '../support/world.ts'

const DAY = blocks(...Array.from({ length: 24 }, (_, i) => i + 1))
const INSTANCE = 'blockgate.instance.id'

export function moveTraces(ownership: Ownership): void {
  describe(`the trace of a block that moves, with ${ownership.name}`, () => {
    let running: Cluster | undefined
    let recorded: Spans
    beforeEach(() => {
      recorded = spans()
    })
    afterEach(async () => {
      for (const id of [...(running?.up.keys() ?? [])]) await running?.stop(id)
      running = undefined
      recorded.stop()
    })
    const make = (options: Omit<ClusterOptions, 'ownership'>): Cluster =>
      (running = cluster({ ...options, ownership: host => ownership.cluster(host) }))
    const named = (name: string) => recorded.finished().filter(span => span.name === name)
    const of = ({ attributes }: ReadableSpan) => `${attributes[INSTANCE]}`
    const inTrace = (span: ReadableSpan) =>
      recorded.finished().filter(other => other.spanContext().traceId === span.spanContext().traceId)

    it('is one trace of both gateways: added there, and only then dropped here', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1'])
      await c.advance(5_000)
      recorded.reset()
      await c.start(['gw-2'])
      await c.advance(30_000)
      const drops = named('block dropped')
      expect(drops.length).toBeGreaterThan(5)
      for (const drop of drops) {
        const all = inTrace(drop)
        const add = all.find(({ name }) => name === 'block added')
        expect(add && [of(add), add.attributes['block.move'], add.attributes['block.move.from']]).toEqual([
          ...['gw-2', true],
          ['gw-1'],
        ])
        expect([of(drop), drop.attributes['block.move'], drop.attributes['ownership.owners']]).toEqual([
          ...['gw-1', true],
          ['gw-2'],
        ])
        expect(drop.parentSpanContext?.spanId).toBe(add?.spanContext().spanId)
        expect(drop.attributes['block.id']).toBe(add?.attributes['block.id'])
        // There was no gap: it went after it was served there, and that was told.
        const told = all.find(({ name }) => name === 'told')
        const gone = all.find(({ name }) => name === 'drop')
        expect(seconds(gone?.startTime)).toBeGreaterThanOrEqual(seconds(told?.endTime))
        const names = all.map(({ name }) => name)
        for (const name of ['ownership.claim', 'release', 'pending hand-off', 'drop']) expect(names).toContain(name)
        const release = all.find(({ name }) => name === 'release')
        expect(release?.attributes).toMatchObject({
          'ownership.release.status': 'released',
          'ownership.release.quorum': 'all',
          'ownership.release.targets': ['gw-2'],
        })
      }
    })

    it('is linked to the change of the epoch, in whose trace each gateway says that it has seen it', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1'])
      await c.advance(5_000)
      recorded.reset()
      await c.start(['gw-2'])
      await c.advance(30_000)
      const [joined] = named('epoch changed').filter(span => span.attributes['ownership.epoch.cause'] === 'gw-2 joined')
      if (!joined) throw new Error('the join must be traced')
      const seen = inTrace(joined).filter(({ name }) => name === 'epoch seen')
      expect(new Set(seen.map(of))).toEqual(new Set(['gw-1', 'gw-2']))
      for (const span of seen) expect(span.attributes['ownership.members']).toEqual(['gw-1', 'gw-2'])
      for (const drop of named('block dropped')) {
        expect(drop.links.map(({ context }) => context.spanId)).toContain(joined.spanContext().spanId)
      }
    })

    it('a drain is a change, and one that changes nothing is none', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1', 'gw-2'])
      await c.advance(20_000)
      recorded.reset()
      const operator = c.up.get('gw-1')?.gateway.plan.ownership.operator
      expect(await operator?.drain('nobody', true)).toBe(false)
      expect(named('epoch changed')).toEqual([])
      expect(await operator?.drain('gw-1', true)).toBe(true)
      await c.advance(60_000)
      const [leaving] = named('epoch changed')
      expect(leaving?.attributes['ownership.epoch.cause']).toBe('gw-1 leaving')
      expect(named('block dropped').length).toBeGreaterThan(5)
      for (const drop of named('block dropped')) {
        expect(of(drop)).toBe('gw-1')
        expect(drop.links.map(({ context }) => context.spanId)).toContain(leaving?.spanContext().spanId)
      }
    })

    it('a freeze, a thaw and a member that is forgotten are changes, which every gateway says that it has seen', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1', 'gw-3'])
      await c.stop('gw-3')
      await c.advance(5_000)
      const operator = c.up.get('gw-1')?.gateway.plan.ownership.operator
      await operator?.freeze(true)
      await c.start(['gw-2'])
      await c.advance(30_000)
      recorded.reset()
      for (const cause of ['thawed', 'frozen', 'gw-3 forgotten']) {
        if (cause === 'gw-3 forgotten') expect(await operator?.forget('gw-3')).toBe('forgotten')
        else await operator?.freeze(cause === 'frozen')
        await c.advance(30_000)
        const changed = named('epoch changed').find(span => span.attributes['ownership.epoch.cause'] === cause)
        const seen = changed && inTrace(changed).filter(({ name }) => name === 'epoch seen')
        expect(new Set(seen?.map(of))).toEqual(new Set(['gw-1', 'gw-2']))
        if (cause !== 'thawed') continue
        const drops = named('block dropped')
        expect(drops.length).toBeGreaterThan(5)
        for (const drop of drops) {
          expect(drop.links.map(({ context }) => context.spanId)).toContain(changed?.spanContext().spanId)
        }
      }
    })

    it('a gateway that dies is a change with its cause, and its blocks are added elsewhere', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1', 'gw-2'])
      await c.advance(20_000)
      recorded.reset()
      await c.kill('gw-2')
      await c.advance(120_000)
      const causes = named('epoch changed').map(span => span.attributes['ownership.epoch.cause'])
      expect(causes).toContain('gw-2 down: no heartbeat seen by gw-1')
      const adds = named('block added')
      expect(adds.length).toBeGreaterThan(5)
      for (const add of adds) expect(add.attributes['block.move']).toBeUndefined()
    })

    it('has a claim with its epoch and its owners, whatever came before', async () => {
      const c = make({ list: DAY, replicas: 2 })
      await c.start(['gw-1'])
      await c.advance(5_000)
      await c.start(['gw-2', 'gw-3'])
      await c.advance(30_000)
      const adds = named('block added')
      expect(adds.length).toBeGreaterThan(48)
      for (const add of adds) {
        const claim = inTrace(add).find(({ name, attributes }) => {
          return name === 'ownership.claim' && attributes['ownership.status'] === 'granted'
        })
        expect(claim?.attributes).toMatchObject({ 'ownership.epoch': expect.any(Number) })
        expect(claim?.attributes['ownership.owners']).toContain(of(add))
        if (!ownership.name.startsWith('redlock')) continue
        expect(claim?.attributes['ownership.fence']).toBeGreaterThan(0)
        for (const key of ['load', 'commit']) {
          expect(add.attributes[`ownership.lease.${key}_ms`]).toBeGreaterThan(0)
        }
      }
    })
  })
}

const seconds = (time: readonly [number, number] | undefined): number => (time ? time[0] + time[1] / 1e9 : Number.NaN)
