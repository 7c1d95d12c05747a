/** Cases of what members serve, of their heartbeats, and of the order of their writes. */
import { type BlockId, BlockSet } from 'blockgate'
import { MAX_IDS } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { expect } from 'vitest'
import { WRITES } from './refusals.ts'
import { A, B, C, type Cases, STATS, type Subject } from './subject.ts'

const ids = (count: number): readonly BlockId[] => Array.from({ length: count }, (_, i) => testId(1000 + i))

export const SERVING: Cases = {
  'serve adds blocks and takes others away, of one member alone; what is both is served after it': async s => {
    const [a, b] = [await s.member('a'), await s.member('b', [A])]
    await a.serve([A, B])
    await a.serve([C], [A])
    expect([await a.served(), await b.served()]).toEqual([[B, C], [A]])
    await a.serve([A, B], [A, B])
    expect(await a.served()).toEqual([A, B, C])
    expect(await s.store.advertised('nobody')).toEqual(new BlockSet())
  },
  'the version of what a member serves grows when that changes, and only then': async s => {
    const a = await s.member('a', [A])
    const version = await a.version()
    await a.serve([A], [B])
    await a.serve([])
    await a.heartbeat()
    expect(await a.version()).toBe(version)
    await a.serve([B])
    const added = await a.version()
    expect(added).toBeGreaterThan(version)
    await a.serve([], [A])
    expect(await a.version()).toBeGreaterThan(added)
  },
  'what was taken away by a join never has an earlier version again': async s => {
    const a = await s.member('a', [A])
    const seen = [await a.version()]
    const joinsAgain = async () => {
      await a.joined()
      seen.push(await a.version())
      await a.serve([A])
      seen.push(await a.version())
    }
    await joinsAgain()
    await a.leave()
    seen.push(await a.version())
    await joinsAgain()
    // Nobody is forgotten within a moment.
    await s.pass(1, 'a')
    await s.expire('a')
    await s.forget('a')
    await joinsAgain()
    expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y))
  },
  [`serve takes ${MAX_IDS} ids together, and rejects more`]: async s => {
    const a = await s.member('a', [A])
    const many = ids(MAX_IDS - 1)
    expect([await a.serve(many, [A]), await a.served()]).toEqual(['ok', many])
    expect([await a.serve([A], many), await a.served()]).toEqual(['ok', [A]])
    await s.rejected([() => a.serve(ids(MAX_IDS + 1)), () => a.serve(ids(MAX_IDS), [A])], 'stage-misuse')
  },
  'serve rejects what is not a block id': async s => {
    const a = await s.member('a', [A])
    const bad = ['', 'x', `${A}0`, '../0000000001000000000000000'] as BlockId[]
    await s.rejected(
      bad.flatMap(id => [() => a.serve([B, id]), () => a.serve([B], [A, id])]),
      'invalid-key',
    )
  },
  'what was read stays as it was read': async s => {
    const a = await s.member('a', [A])
    const read = await s.store.advertised('a')
    await a.serve([B], [A])
    expect([...read]).toEqual([A])
  },
  'sequences may leave numbers out, up to the largest integer': async s => {
    const a = await s.member('a')
    for (const sequence of [50, 51, 4_000_000_000, 2 ** 52]) {
      expect(await s.store.leave({ ...a.stamp(), sequence })).toBe('ok')
      expect((await s.heartbeat('a')).sequence).toBe(sequence)
    }
  },
  'a heartbeat writes store id and statistics, which other writes keep, and is answered with epoch, store id and freeze':
    async s => {
      const [a] = await s.pair()
      const { epoch, storeId } = await s.store.entries()
      expect(await a.heartbeat({ stats: STATS })).toEqual({ status: 'ok', epoch, storeId, frozen: false })
      for (const name of ['serve', 'release'] as const) await WRITES[name]?.(s, a.stamp())
      expect((await s.other.heartbeats()).heartbeats.get('a')).toMatchObject({ storeId, stats: STATS })
      await a.heartbeat({ storeId: 'gone', stats: undefined })
      expect((await s.other.heartbeats()).heartbeats.get('a')).toMatchObject({ storeId: 'gone', stats: undefined })
    },
  'a heartbeat of a member that is down says so, is written, and brings nobody back': async s => {
    const a = await s.member('a')
    await s.expire('a')
    const { epoch, storeId } = await s.store.entries()
    const reply = await a.heartbeat({ stats: STATS, seen: epoch + 1000 })
    expect(reply).toEqual({ status: 'down', epoch, storeId, frozen: false })
    expect((await s.state('a')).state).toBe('down')
    expect(await s.heartbeat('a')).toMatchObject({ sequence: a.sequence, stats: STATS })
  },
  ...Object.fromEntries(
    Object.entries(WRITES).map(([name, write]) => [
      `${name} counts as heard of: sequence and age of the heartbeat are those of the write`,
      async (s: Subject) => {
        const [a] = await s.pair()
        await s.pass(20, 'a')
        const { age } = await s.heartbeat('a')
        expect(await write(s, { ...a.stamp(), sequence: 99 })).toBe('ok')
        const after = await s.heartbeat('a')
        expect(after.sequence).toBe(99)
        expect(after.age).toBeLessThan(age)
      },
    ]),
  ),
}
