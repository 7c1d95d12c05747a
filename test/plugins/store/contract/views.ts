/** Cases of what every client reads, of the epoch and its cause, and of watch. */
import { BlockSet } from 'blockgate'
import { MAX_PLACEMENT } from 'blockgate/members'
import { expect } from 'vitest'
import { A, B, type Cases, itemOf, type Process, type Subject } from './subject.ts'

/** Each kind of change, in an order in which it can happen, and the cause that it gives. */
const CHANGES: readonly (readonly [string, (s: Subject, a: Process) => Promise<unknown>])[] = [
  ['a joined', (_, a) => a.joined()],
  ['a joined', (_, a) => a.joined({ incarnation: 0 })],
  ['a leaving', s => s.store.drain('a', true)],
  ['a active again', s => s.store.drain('a', false)],
  ['a down: stopped', (_, a) => a.leave()],
  ['a joined', (_, a) => a.joined()],
  ['frozen', s => s.store.freeze(true)],
  ['thawed', s => s.store.freeze(false)],
  ['a down: no heartbeat seen by somebody', s => s.expire('a')],
  ['a evicted: its grace is over', s => s.evict('a')],
  ['a forgotten', s => s.forget('a')],
  ['a joined', (_, a) => a.joined({ seen: 1 })],
  ['a has published a placement', (_, a) => a.publishPlacement('text')],
]

export const VIEWS: Cases = {
  'every client reads the same, with the same store id in every answer': async s => {
    const a = await s.member('a', [A])
    const { storeId, members } = await s.store.entries()
    expect(storeId).not.toBe('')
    const answers = [await a.joined(), await a.heartbeat(), await s.store.heartbeats(), await s.other.entries()]
    for (const answer of answers) expect(answer.storeId).toBe(storeId)
    await a.serve([B])
    expect([...(await s.other.entries()).members.keys()]).toEqual([...members.keys()])
    expect(await s.other.advertised('a')).toEqual(new BlockSet([B]))
    expect((await s.other.heartbeats()).heartbeats.get('a')?.sequence).toBe(a.sequence)
  },
  'each kind of change raises the epoch and gives its cause': async s => {
    const a = s.process('a')
    let last = await s.epoch()
    for (const [expected, change] of CHANGES) {
      await change(s, a)
      const { epoch, cause } = await s.store.entries()
      expect(cause).toBe(expected)
      expect(epoch).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
      expect(epoch, cause).toBeGreaterThan(last)
      expect((await s.store.heartbeats()).epoch).toBe(epoch)
      last = epoch
    }
  },
  'a published placement is read by all, with the epoch that it made as its version, until another is published':
    async s => {
      const [a, b] = [await s.member('a'), await s.member('b')]
      expect((await s.store.entries()).placement).toBeUndefined()
      expect(await a.publishPlacement('one')).toBe('ok')
      const { epoch, placement } = await s.other.entries()
      expect(placement).toEqual({ version: epoch, text: 'one' })
      // What comes after it leaves it as it is.
      await s.store.drain('b', true)
      expect((await s.store.entries()).placement).toEqual({ version: epoch, text: 'one' })
      expect(await b.publishPlacement('')).toBe('ok')
      const last = await s.store.entries()
      expect(last.placement).toEqual({ version: last.epoch, text: '' })
    },
  'a placement is not sent to those who know its version': async s => {
    const a = await s.member('a')
    await a.publishPlacement('one')
    const { epoch: version } = await s.store.entries()
    expect((await s.store.entries(version)).placement).toEqual({ version, text: undefined })
    expect((await s.store.entries(version - 1)).placement).toEqual({ version, text: 'one' })
    await a.publishPlacement('two')
    expect((await s.store.entries(version)).placement?.text).toBe('two')
  },
  'the largest placement is taken, and what is larger, or not ASCII, is rejected': async s => {
    const a = await s.member('a')
    const largest = 'x'.repeat(MAX_PLACEMENT)
    const wrong = [`${largest}x`, 'ä', '\u0000', '\ud800']
    await s.rejected(
      wrong.map(text => () => a.publishPlacement(text)),
      'stage-misuse',
    )
    await s.rejected([() => a.publishPlacement('x', -1), () => a.publishPlacement('x', 0.5)], 'stage-misuse')
    expect(await a.publishPlacement(largest)).toBe('ok')
    expect((await s.store.entries()).placement?.text).toBe(largest)
  },
  'heartbeats, serve, release and questions raise no epoch': async s => {
    const [a] = await s.pair()
    const { epoch, cause } = await s.store.entries()
    await a.heartbeat({ seen: epoch })
    await a.serve([B])
    await a.release([itemOf(A)])
    await s.store.advertised('a')
    await s.store.heartbeats()
    expect(await s.store.entries()).toMatchObject({ epoch, cause })
  },
  'join and heartbeat go past what the process has seen, as a store that lost its epoch must': async s => {
    const a = s.process('a')
    const seen = (await a.joined()).epoch + 1e12
    expect(await s.process('b').joined({ seen })).toMatchObject({ epoch: seen + 1, incarnation: seen + 1 })
    for (let i = 0; i < 2; i++) expect((await a.heartbeat({ seen: seen + 9 })).epoch).toBe(seen + 10)
    expect(await s.store.entries()).toMatchObject({ epoch: seen + 10, cause: 'a has seen a later epoch' })
  },
  'a process that has seen less than the store moves it no further than any change does': async s => {
    // The year 2096 in µs: no clock interferes.
    const seen = 4e15
    await s.process('a').joined({ seen })
    const b = s.process('b')
    expect((await b.joined({ seen: seen - 5 })).epoch).toBe(seen + 2)
    for (const less of [seen, seen + 2]) expect((await b.heartbeat({ seen: less })).epoch).toBe(seen + 2)
    await s.store.freeze(true)
    expect(await s.epoch()).toBe(seen + 3)
  },
  'numbers that are none are rejected': async s => {
    const a = await s.member('a')
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])
      await s.rejected(
        [
          () => a.heartbeat({ seen: bad }),
          () => a.join({ seen: bad }),
          () => a.join({ replaces: bad }),
          () => s.store.serve({ ...a.stamp(), sequence: bad }, { added: [A], dropped: [] }),
          () => s.store.leave({ ...a.stamp(), incarnation: bad }),
        ],
        'stage-misuse',
      )
  },
  'watch is told of a change by another client, and by its own, when the epoch is to be seen already': async s => {
    for (const [what, store] of Object.entries({ other: s.other, own: s.store })) {
      const epoch = await s.epoch()
      const asked: Promise<number>[] = []
      using _ = s.store.watch(() => asked.push(s.epoch()))
      await store.freeze(!(await store.entries()).frozen)
      await s.until(
        async () => (await Promise.all(asked)).some(seen => seen > epoch),
        `a call after one by the ${what}`,
      )
    }
  },
  'every watcher is told, also one function twice, until it is disposed of': async s => {
    const told = { first: 0, second: 0 }
    const first = s.store.watch(() => told.first++)
    const second = () => told.second++
    const twin = s.store.watch(second)
    using _ = s.store.watch(second)
    await s.store.freeze(true)
    await s.until(() => told.first > 0 && told.second > 1, 'a call of all')
    // What was on its way has arrived when a later change has.
    for (const watching of [first, first, twin]) watching[Symbol.dispose]()
    const before = { ...told }
    await s.store.freeze(false)
    await s.until(() => told.second > before.second, 'a call of the one that is left')
    expect(told.first).toBe(before.first)
  },
}
