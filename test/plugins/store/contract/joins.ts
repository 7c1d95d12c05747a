/** Cases of join: first, repeated, moved, superseded, on another bucket, and again. */
import { assert, assertEqual, testId } from 'blockgate/testing'
import { type Contract, claimsOf } from './subject.ts'

const [A, B] = [testId(1), testId(2)]

export function firstJoinCases({ it }: Contract): void {
  it('a store that nobody joined knows no members, claims or heartbeats, and is not frozen', async s => {
    const { members, frozen, broken, cause } = await s.store.entries()
    assertEqual(
      { members, frozen, broken, cause },
      { members: new Map(), frozen: false, broken: 0, cause: '' },
      'nothing',
    )
    assertEqual((await s.store.heartbeats()).heartbeats, new Map(), 'no heartbeats')
    assertEqual(await s.store.claims('a'), new Set(), 'no claims')
  })
  it('a first join writes the record, with the epoch that it made as the incarnation', async s => {
    const texts = { zone: 'zone-1', address: 'http://[::1]:80/?a=b', rules: '{"replicas":2}', bucket: 's3://größe' }
    const reply = await s.process('a').joined(texts)
    const { epoch, storeId } = await s.store.entries()
    assertEqual(reply, { status: 'joined', incarnation: epoch, epoch, storeId, draining: false }, 'the reply')
    const states = { state: 'active', placed: true, draining: false, incarnation: epoch, changed: epoch }
    assertEqual(await s.record('a'), { id: 'a', ...texts, process: 'a-1', ...states }, 'the record')
  })
  it('a first join writes a heartbeat that has told nothing yet', async s => {
    const a = s.process('a')
    await a.joined()
    const heartbeat = (await s.store.heartbeats()).heartbeats.get('a')
    assert(heartbeat, 'a heartbeat')
    const { incarnation, sequence, storeId, stats } = heartbeat
    assertEqual(
      { incarnation, sequence, storeId, stats },
      { incarnation: a.incarnation, sequence: 1, storeId: '', stats: undefined },
      'the heartbeat',
    )
    assert(heartbeat.age >= 0, `an age >= 0: current value is ${heartbeat.age}`)
  })
  it('a repeated first join of one process gets its first incarnation again, in a later epoch', async s => {
    const a = s.process('a')
    const first = await a.joined()
    const second = await a.joined({ incarnation: 0 })
    assertEqual(second.incarnation, first.incarnation, 'the same incarnation')
    assert(second.epoch > first.epoch, `an epoch after ${first.epoch}: current value is ${second.epoch}`)
    assertEqual((await s.record('a')).changed, second.epoch, 'the record to be changed in it')
  })
  it('a repeated first join needs no record to take the place of', async s => {
    const a = s.process('a')
    await a.joined()
    assertEqual((await a.join({ incarnation: 0, replaces: 7 })).status, 'joined', 'the status')
  })
  it('a first join of one process that lands after its later writes is stale, and takes nothing away', async s => {
    const a = await s.member('a', [A])
    const before = await s.everything()
    assertEqual(await a.join({ incarnation: 0, sequence: 1 }), { status: 'stale' }, 'the first one once more')
    assertEqual(await a.join({ incarnation: 0, sequence: 3 }), { status: 'stale' }, 'one as old as the last write')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('a first join of a new process is moved where the record is not the one that it replaces', async s => {
    const a = await s.member('a', [A])
    const before = await s.everything()
    for (const replaces of [0, a.incarnation - 1, a.incarnation + 1]) {
      assertEqual(await s.process('a', 'a-2').join({ replaces }), { status: 'moved' }, `in place of ${replaces}`)
    }
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('a first join is moved where there is no record any more', async s => {
    assertEqual(await s.process('a').join({ replaces: 7 }), { status: 'moved' }, 'the reply')
    assertEqual((await s.store.entries()).members, new Map(), 'no record')
  })
  it('a new process gets a larger incarnation, and takes place and claims of the old one', async s => {
    const old = await s.member('a', [A])
    const next = s.process('a', 'a-2')
    const { incarnation } = await next.joined({ replaces: old.incarnation })
    assert(incarnation > old.incarnation, `an incarnation after ${old.incarnation}: current value is ${incarnation}`)
    assertEqual(await claimsOf(next), [], 'no claims')
    assertEqual((await s.record('a')).process, 'a-2', 'the new process to be in the record')
    assertEqual(await old.serve([A]), 'superseded', 'a write of the old process')
  })
  it('a first join of an older process that lands late is moved by the newer one', async s => {
    const newer = s.process('a', 'a-2')
    await newer.joined()
    assertEqual(await s.process('a', 'a-1').join(), { status: 'moved' }, 'the late join')
    assertEqual((await s.record('a')).process, 'a-2', 'the newer process to stay')
  })
}

export function laterJoinCases({ it }: Contract): void {
  it('a member that was set down joins again as the same incarnation, without claims', async s => {
    const a = await s.member('a', [A, B])
    await s.expire('a')
    const reply = await a.joined()
    assertEqual(reply.incarnation, a.incarnation, 'the same incarnation')
    const { state, changed } = await s.record('a')
    assertEqual({ state, changed }, { state: 'active', changed: reply.epoch }, 'the record')
    assertEqual(await claimsOf(a), [], 'no claims')
  })
  it('a member that joins again must tell the store all its claims and its statistics again', async s => {
    const a = await s.member('a')
    await a.heartbeat({ stats: { assigned: 1, serving: 1, pendingHandOff: 1, lastCopy: 1, failed: 1, bytes: 1 } })
    await a.joined()
    const heartbeat = (await s.store.heartbeats()).heartbeats.get('a')
    assertEqual([heartbeat?.storeId, heartbeat?.stats], ['', undefined], 'what its heartbeat says')
  })
  it('a member that the store does not know joins again with its own incarnation', async s => {
    const a = s.process('a')
    a.incarnation = 12_345
    const { incarnation, epoch } = await a.joined({ seen: 12_345 })
    assertEqual(incarnation, 12_345, 'the incarnation')
    assertEqual([await a.serve([A]), await claimsOf(a)], ['ok', [A]], 'its claims')
    assert(epoch > incarnation, `an epoch after ${incarnation}: current value is ${epoch}`)
  })
  it('a member that was forgotten joins again', async s => {
    const a = await s.member('a', [A])
    await s.expire('a')
    await s.store.forget('a', (await s.record('a')).changed)
    const { incarnation } = await a.joined()
    assertEqual([incarnation, await claimsOf(a)], [a.incarnation, []], 'its incarnation, and no claims')
  })
  it('a process takes its place back from an older one that a store which lost writes still knows', async s => {
    const older = await s.member('a', [A])
    const newer = s.process('a', 'a-2')
    newer.incarnation = older.incarnation + 5
    assertEqual((await newer.joined({ seen: newer.incarnation })).incarnation, older.incarnation + 5, 'its incarnation')
    assertEqual(await claimsOf(newer), [], 'no claims')
    assertEqual(await older.join(), { status: 'superseded' }, 'a join of the older one')
  })
  it('an older process that joins again is superseded, and takes nothing away', async s => {
    const old = await s.member('a')
    const next = s.process('a', 'a-2')
    await next.joined({ replaces: old.incarnation })
    await next.serve([A])
    const before = await s.everything()
    assertEqual(await old.join(), { status: 'superseded' }, 'the reply')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('a later join whose sequence is not newer is stale, and takes nothing away', async s => {
    const a = await s.member('a', [A])
    const before = await s.everything()
    for (const sequence of [1, 3]) assertEqual(await a.join({ sequence }), { status: 'stale' }, `sequence ${sequence}`)
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('a join writes what the process says of itself now', async s => {
    const a = await s.member('a')
    const texts = { zone: 'zone-2', address: '10.0.0.2:80', rules: 'other rules', bucket: 'other bucket' }
    await a.joined(texts)
    const { zone, address, rules, bucket } = await s.record('a')
    assertEqual({ zone, address, rules, bucket }, texts, 'the texts in the record')
  })
  it('a member on another bucket is not let in, and is told who is on which', async s => {
    await s.member('a')
    const before = await s.everything()
    const refused = { status: 'other-bucket', member: 'a', bucket: 'bucket' }
    assertEqual(await s.process('b').join({ bucket: 'other' }), refused, 'the reply to another bucket')
    assertEqual(await s.everything(), before, 'nothing to be written')
    assertEqual(
      (await s.process('c').join({ bucket: '' })).status,
      'joined',
      'the reply to a bucket without an identity',
    )
    assertEqual((await s.process('d').join()).status, 'joined', 'the reply beside one without')
  })
  it('a member that is not let in any more stays as it was', async s => {
    await s.member('a')
    const b = await s.member('b', [A])
    const before = await s.everything()
    assertEqual((await b.join({ bucket: 'other' })).status, 'other-bucket', 'the reply')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('members that are down stand in nobody’s way to another bucket, until they come back', async s => {
    const a = await s.member('a')
    await a.leave()
    assertEqual((await s.process('b').join({ bucket: 'other' })).status, 'joined', 'the first on the other bucket')
    assertEqual(await a.join(), { status: 'other-bucket', member: 'b', bucket: 'other' }, 'the one that comes back')
  })
}
