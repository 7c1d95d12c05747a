/** Cases of the epoch and of its cause: it moves with each change of the record, and with nothing else. */
import { codeOf, ErrorCode } from 'blockgate'
import { assert, assertEqual, assertRejects, testId } from 'blockgate/testing'
import type { Contract, Process, Subject } from './subject.ts'

const A = testId(1)

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
  ['a down: no heartbeat seen by kit', s => s.expire('a')],
  ['a evicted: its grace is over', async s => s.store.evict('a', (await s.record('a')).changed)],
  ['a forgotten', async s => s.store.forget('a', (await s.record('a')).changed)],
]

export function epochCases({ it }: Contract): void {
  it('each kind of change raises the epoch and gives its cause', async s => {
    const a = s.process('a')
    let last = await s.epoch()
    for (const [expected, change] of CHANGES) {
      await change(s, a)
      const { epoch, cause } = await s.store.entries()
      assertEqual(cause, expected, 'the cause')
      assert(Number.isSafeInteger(epoch), `an epoch below 2^53: current value is ${epoch}`)
      assert(epoch > last, `an epoch after ${last} by "${cause}": current value is ${epoch}`)
      assertEqual((await s.store.heartbeats()).epoch, epoch, 'the epoch in the other view')
      last = epoch
    }
  })
  it('heartbeats, claims, releases and questions raise no epoch', async s => {
    await s.member('b', [A])
    const a = await s.member('a', [A])
    const { epoch, cause } = await s.store.entries()
    await a.heartbeat({ seen: epoch })
    await a.serve([testId(2)], [])
    await a.release([{ id: A, superseding: A, targets: ['b'], quorum: 'all' }])
    await s.store.claims('a')
    await s.store.heartbeats()
    const after = await s.store.entries()
    assertEqual([after.epoch, after.cause], [epoch, cause], 'the epoch and its cause')
  })
  it('a join goes past what the process has seen, as a store that lost its epoch must', async s => {
    const seen = (await s.process('a').joined()).epoch + 1e12
    const { epoch, incarnation } = await s.process('b').joined({ seen })
    assertEqual([epoch, incarnation, await s.epoch()], [seen + 1, seen + 1, seen + 1], 'the epoch')
  })
  it('a heartbeat goes past what the process has seen, as a store that lost its epoch must', async s => {
    const a = await s.member('a')
    const seen = (await s.epoch()) + 1e12
    assertEqual((await a.heartbeat({ seen })).epoch, seen + 1, 'the epoch in the reply')
    const { epoch, cause } = await s.store.entries()
    assertEqual([epoch, cause], [seen + 1, 'a has seen a later epoch'], 'the epoch and its cause')
    assertEqual((await a.heartbeat({ seen })).epoch, seen + 1, 'the epoch in the reply to the next one')
  })
  it('a process that has seen less than the store moves it no further than any change does', async s => {
    // The year 2096 in µs: no clock interferes.
    const seen = 4e15
    await s.process('a').joined({ seen })
    const b = s.process('b')
    assertEqual((await b.joined({ seen: seen - 5 })).epoch, seen + 2, 'the epoch of the next join')
    assertEqual((await b.heartbeat({ seen })).epoch, seen + 2, 'the epoch in the reply to a heartbeat')
    assertEqual((await b.heartbeat({ seen: seen + 2 })).epoch, seen + 2, 'the epoch in the reply to the next one')
    await s.store.freeze(true)
    assertEqual(await s.epoch(), seen + 3, 'the epoch of the next change')
  })
  it('a refused heartbeat moves no epoch, whatever it has seen', async s => {
    const a = await s.member('a')
    const { epoch } = await s.store.entries()
    const request = { storeId: '', stats: undefined, seen: epoch + 1e12 }
    for (const stamp of [
      { ...a.stamp(), sequence: 1 },
      { ...a.stamp(), incarnation: a.incarnation - 1 },
      { ...a.stamp(), incarnation: a.incarnation + 1 },
    ])
      assertEqual((await s.store.heartbeat(stamp, request)).epoch, epoch, 'the epoch in the reply')
    assertEqual(await s.epoch(), epoch, 'the epoch')
  })
  it('numbers that are none are rejected with stage-misuse', async s => {
    const a = await s.member('a')
    const before = await s.everything()
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      for (const call of [
        () => a.heartbeat({ seen: bad }),
        () => a.join({ seen: bad }),
        () => a.join({ replaces: bad }),
        () => s.store.serve({ ...a.stamp(), sequence: bad }, { added: [A], dropped: [] }),
        () => s.store.leave({ ...a.stamp(), incarnation: bad }),
      ])
        assertEqual(codeOf(await assertRejects(call, `the number ${bad}`)), ErrorCode.stageMisuse, 'its code')
    }
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
}
