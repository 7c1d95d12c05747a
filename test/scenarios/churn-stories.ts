/** Upstream's scenarios of membership, and its known failures, on the real engine: told of every plugin over a member store. */
import { type Candidate, OwnershipUnavailable, type SetStage } from 'blockgate'
import { candidate, settle, testId } from 'blockgate/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, type ClusterOptions, cluster } from '../support/cluster.ts'
import type { Ownership } from '../support/ownerships.ts'
import { blocks, numberOf, scriptedSink } from '../support/world.ts'

const DAY = blocks(...Array.from({ length: 24 }, (_, i) => i + 1))
const names = (n: number, from = 1) => Array.from({ length: n }, (_, i) => `gw-${from + i}`)

/** All of them, of one plugin. */
export function churnStories(ownership: Ownership): void {
  describe(`gateways that come and go, with ${ownership.name}`, () => {
    let running: Cluster | undefined
    const make = (options: Omit<ClusterOptions, 'ownership'>): Cluster =>
      (running = cluster({ ...options, ownership: host => ownership.cluster(host) }))
    afterEach(async () => {
      for (const id of [...(running?.up.keys() ?? [])]) await running?.stop(id)
      expect(running?.host.pendingTimers ?? 0).toBe(0)
      running = undefined
    })

    it.each([
      [1, 1, 24],
      [2, 1, 24],
      [3, 2, 48],
      [5, 3, 72],
    ])('%s gateways that start together with %s replicas load %s blocks', async (members, replicas, copies) => {
      const c = make({ list: DAY, replicas, minMembers: members })
      await c.start(names(members))
      await c.advance(10_000)
      expect(c.copies).toBe(copies)
      for (const { meta } of DAY) expect(c.copiesOf(meta.ulid)).toBe(replicas)
      // Nobody loaded what it had to let go of again.
      const prepared = [...c.up.values()].flatMap(w => w.sink.log.filter(l => l.startsWith('prepare')))
      expect(prepared).toHaveLength(copies)
      for (const w of c.up.values()) expect(w.gateway.readiness.ready).toBe(true)
    })

    it.each([
      [4, 2],
      [4, 6],
    ])('%s gateways and %s more: three copies again, and never fewer on the way', async (before, more) => {
      const c = make({ list: DAY, replicas: 3, minMembers: before })
      await c.start(names(before))
      await c.advance(5_000)
      expect(c.copies).toBe(72)
      await c.start(names(more, before + 1))
      await c.advance(20_000)
      expect(c.copies).toBe(72)
      expect(c.thin).toEqual([])
      for (const { meta } of DAY) expect(c.copiesOf(meta.ulid)).toBe(3)
      // A gateway that was there before took nothing it had not: all moves go to those that came.
      const old = names(before).flatMap(id => c.up.get(id)?.sink.log.filter(l => l.startsWith('prepare')) ?? [])
      expect(old).toHaveLength(72)
    })

    it('a gateway that joins a healthy cluster is ready before it has loaded anything', async () => {
      // A barrier, as in every real pipeline: all blocks are known before the first is loaded.
      const all: SetStage = { kind: 'set', name: 'all', select: list => list.map(b => ({ id: b.meta.ulid })) }
      const c = make({ list: DAY, stages: () => [{ ...all }] })
      await c.start(['gw-1'])
      await c.advance(5_000)
      const sink = scriptedSink()
      const gates = DAY.map(b => sink.gate(numberOf(b.meta.ulid)))
      const joining = c.start(['gw-2'], sink)
      await settle()
      await c.host.advance(5_000)
      const joiner = c.up.get('gw-2')
      expect(joiner?.sink.loaded().size).toBe(0)
      expect(joiner?.gateway.progress?.inFlight).toBeGreaterThan(0)
      expect(joiner?.gateway.readiness.ready).toBe(true)
      for (const open of gates) open()
      await joining
    })

    it('a cold cluster waits for its members, so that the first one up does not load the world', async () => {
      const c = make({ list: DAY, minMembers: 3, replicas: 1 })
      await c.start(['gw-1'])
      await c.advance(5_000)
      expect(c.copies).toBe(0)
      expect(c.up.get('gw-1')?.gateway.readiness.ready).toBe(false)
      await c.start(['gw-2', 'gw-3'])
      await c.advance(10_000)
      expect(c.copies).toBe(24)
      for (const w of c.up.values()) expect(w.gateway.readiness.ready).toBe(true)
    })

    it('row 2: a block gained during a sync is added in the same run', async () => {
      const c = make({ list: DAY })
      await c.start(['gw-1', 'gw-2'])
      await c.stop('gw-2')
      await c.advance(5_000)
      expect(c.up.get('gw-1')?.sink.loaded().size).toBe(24)
      const w = c.up.get('gw-1')
      expect(w?.results.map(r => r.summary.run.reason)).toContain('ownership-change')
      expect(w?.source.listings).toBe(1)
    })

    it('row 3: an add in flight for a block that was lost is aborted where somebody serves it, and finished where nobody does', async () => {
      const c = make({ list: DAY.slice(0, 8) })
      const sink = scriptedSink()
      const gates = DAY.slice(0, 8).map(b => sink.gate(numberOf(b.meta.ulid)))
      const starting = c.start(['gw-1'], sink)
      await settle()
      await c.host.advance(500)
      await c.start(['gw-2'])
      await c.advance(5_000)
      const theirs = [...(c.up.get('gw-2')?.sink.loaded().keys() ?? [])].map(numberOf)
      expect(theirs.length).toBeGreaterThan(0)
      for (const open of gates) open()
      await starting
      await c.advance(5_000)
      // The four that were in flight when they were lost were cut off, the rest of them were never begun.
      const lost = theirs.filter(n => n <= 4)
      expect(lost.length).toBeGreaterThan(0)
      for (const n of lost) expect(sink.log).toContain(`abort ${n}`)
      // Whoever computes owners sees all of them go at once; slots go one after another.
      if (ownership.hashed) for (const n of theirs.filter(n => n > 4)) expect(sink.log).not.toContain(`prepare ${n}`)
      for (const n of theirs) expect(sink.log).not.toContain(`commit ${n}`)
      expect([...theirs, ...sink.numbers].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    })

    it('row 4: the copies of a block never get fewer while those who join still load (cortex: one owner that is ACTIVE was enough)', async () => {
      const c = make({ list: DAY, replicas: 2, minMembers: 2 })
      await c.start(['gw-1', 'gw-2'])
      await c.advance(5_000)
      const sinks = [scriptedSink(), scriptedSink()]
      const gates = DAY.map(b => sinks[0]?.gate(numberOf(b.meta.ulid)))
      const slow = c.start(['gw-3'], sinks[0])
      await settle()
      await c.start(['gw-4'], sinks[1])
      await c.advance(60_000)
      // gw-4 serves what is its own, gw-3 nothing: whatever gw-3 is to hold is held by both old ones still.
      for (const { meta } of DAY) expect(c.copiesOf(meta.ulid)).toBeGreaterThanOrEqual(2)
      for (const open of gates) open?.()
      await slow
      await c.advance(20_000)
      expect(c.thin).toEqual([])
      expect(c.copies).toBe(48)
    })

    it('nobody lets go of a block because a gateway serves it that is not ready yet', async () => {
      const all: SetStage = { kind: 'set', name: 'all', select: list => list.map(b => ({ id: b.meta.ulid })) }
      const c = make({ list: DAY, stages: () => [{ ...all }], replicas: 1, minMembers: 1 })
      // gw-1 serves the first half only: the others are in no state to be loaded here.
      const first = scriptedSink()
      for (const { meta } of DAY.slice(12)) first.fail(numberOf(meta.ulid), ...Array(20).fill(new Error('no')))
      await c.start(['gw-1'], first)
      const second = scriptedSink()
      const gates = DAY.slice(12).map(({ meta }) => second.gate(numberOf(meta.ulid)))
      const joining = c.start(['gw-2'], second)
      await settle()
      await c.advance(60_000)
      const both = [...first.loaded().keys()].filter(id => second.loaded().has(id))
      expect(both.length).toBeGreaterThan(0)
      expect(c.up.get('gw-2')?.gateway.readiness.ready).toBe(false)
      for (const open of gates) open()
      await joining
      await c.advance(20_000)
      expect(c.up.get('gw-2')?.gateway.readiness.ready).toBe(true)
      expect([...first.loaded().keys()].filter(id => second.loaded().has(id))).toEqual([])
    })

    it('row 5: a store that is away for ten minutes drops nothing and turns nobody unready (mimir #1805)', async () => {
      const c = make({ list: DAY, replicas: 2, minMembers: 3, every: '1m' })
      await c.start(names(3))
      await c.advance(5_000)
      const { entries, heartbeats, heartbeat } = c.store
      const away = async () => Promise.reject(new OwnershipUnavailable('away'))
      Object.assign(c.store, { entries: away, heartbeats: away, heartbeat: away })
      await c.advance(600_000)
      expect(c.copies).toBe(48)
      for (const w of c.up.values()) {
        expect(w.gateway.readiness.ready).toBe(true)
        expect(w.results.at(-1)?.summary.run.reason).toBe('interval')
        expect(w.sink.log.filter(l => l.startsWith('drop'))).toEqual([])
      }
      Object.assign(c.store, { entries, heartbeats, heartbeat })
      await c.advance(60_000)
      expect(c.copies).toBe(48)
      expect(
        c.up
          .get('gw-1')
          ?.gateway.plan.ownership.handover?.members()
          .map(m => m.state),
      ).toEqual(Array.from({ length: 3 }, () => 'active'))
    })

    it('row 6: what changed during the first sync is there when the gateway is ready', async () => {
      const c = make({ list: DAY, minMembers: 2 })
      const sink = scriptedSink()
      const open = DAY.map(b => sink.gate(numberOf(b.meta.ulid)))
      await c.start(['gw-2'])
      const starting = c.start(['gw-1'], sink)
      await settle()
      await c.host.advance(1_000)
      await c.kill('gw-2')
      await c.advance(25_000)
      // Everything is assigned to gw-1 now, and half of it is not even offered to its disk yet.
      expect(c.up.get('gw-1')?.gateway.readiness.ready).toBe(false)
      for (const go of open) go()
      await starting
      await c.advance(5_000)
      expect(sink.loaded().size).toBe(24)
      expect(c.up.get('gw-1')?.gateway.readiness.ready).toBe(true)
    })

    it('row 16: at a compaction the children stay until the parent is served where it belongs', async () => {
      const dedup = (): SetStage => ({
        kind: 'set',
        name: 'dedup',
        select: list =>
          list.map(({ meta }) => {
            const parent = list.find(p => p.meta.ulid !== meta.ulid && p.meta.compaction.sources.includes(meta.ulid))
            return parent ? { id: meta.ulid, skip: 'duplicate', supersededBy: parent.meta.ulid } : { id: meta.ulid }
          }),
      })
      const c = make({ list: DAY.slice(0, 6), stages: () => [dedup()], every: '1m', minMembers: 3 })
      await c.start(names(3))
      await c.advance(5_000)
      const parent: Candidate = candidate({
        ulid: testId(99),
        compaction: { level: 2, sources: DAY.slice(0, 6).map(b => b.meta.ulid) },
      })
      const gates = [...c.up.values()].map(w => {
        w.source.list = [...w.source.list, parent]
        return w.sink.gate(99)
      })
      await c.advance(120_000)
      // Listed, and loading where it belongs: dropping the children by the list alone would be a gap.
      expect(c.copies).toBe(6)
      expect(c.thin).toEqual([])
      for (const go of gates) go()
      await c.advance(120_000)
      expect(c.copiesOf(testId(99))).toBe(1)
      expect(c.copies).toBe(1)
    })

    it('a planned stop is a drain first: everything is served elsewhere before it goes, and it is ready until then', async () => {
      const c = make({ list: DAY, minMembers: 3 })
      await c.start(names(3))
      await c.advance(5_000)
      const leaving = c.up.get('gw-3')
      const held = leaving?.sink.loaded().size ?? 0
      expect(held).toBeGreaterThan(0)
      await leaving?.gateway.plan.ownership.operator?.drain('gw-3', true)
      for (let i = 0; i < 300 && (leaving?.sink.loaded().size ?? 0) > 0; i++) {
        expect(leaving?.gateway.readiness.ready).toBe(true)
        await c.advance(100)
      }
      expect(leaving?.sink.loaded().size).toBe(0)
      expect(leaving?.gateway.readiness.ready).toBe(false)
      expect(c.thin).toEqual([])
      await c.stop('gw-3')
      expect(c.copies).toBe(24)
    })

    it('a drain that is cancelled takes back what it was to give away', async () => {
      const c = make({ list: DAY, minMembers: 2 })
      await c.start(names(2))
      await c.advance(5_000)
      const before = [...(c.up.get('gw-2')?.sink.numbers ?? [])].toSorted()
      const operator = c.up.get('gw-1')?.gateway.plan.ownership.operator
      await operator?.drain('gw-2', true)
      await c.advance(20_000)
      expect(c.up.get('gw-2')?.sink.numbers).toEqual([])
      await operator?.drain('gw-2', false)
      await c.advance(20_000)
      const now = [...(c.up.get('gw-2')?.sink.numbers ?? [])].toSorted()
      if (ownership.hashed) expect(now).toEqual(before)
      expect(now.length).toBeGreaterThan(0)
      expect(c.copies).toBe(24)
      expect(c.thin).toEqual([])
    })

    it('a rolling restart with two replicas moves nothing', async () => {
      const c = make({ list: DAY, replicas: 2, minMembers: 3 })
      await c.start(names(3))
      await c.advance(5_000)
      for (const id of names(3)) {
        const sink = c.up.get(id)?.sink
        await c.stop(id)
        for (const { meta } of DAY) expect(c.copiesOf(meta.ulid)).toBeGreaterThanOrEqual(1)
        await c.advance(20_000)
        await c.start([id], sink)
        await c.advance(5_000)
      }
      for (const w of c.up.values()) expect(w.sink.log.filter(l => l.startsWith('drop'))).toEqual([])
      expect(c.copies).toBe(48)
    })

    it('a crash takes the copies of the crashed gateway, and others load them after detection', async () => {
      const c = make({ list: DAY, minMembers: 3 })
      await c.start(names(3))
      await c.advance(5_000)
      await c.kill('gw-3')
      await c.advance(10_000)
      expect(c.copies).toBeLessThan(24)
      await c.advance(15_000)
      expect(c.copies).toBe(24)
      expect(c.thin).toEqual([])
    })
  })
}
