/** Cases of the order of one member's writes: what is older is refused, and leaves nothing behind. */
import type { MemberStore, Stamp } from 'blockgate/members'
import { assert, assertEqual, testId } from 'blockgate/testing'
import { type Contract, claimsOf, FRESH, type Subject } from './subject.ts'

const [A, B] = [testId(1), testId(2)]

const STATS = { assigned: 1, serving: 2, pendingHandOff: 3, lastCopy: 4, failed: 5, bytes: 6.5e12 }

/** Every stamped write, each as one that would do something. */
const WRITES: Readonly<Record<string, (store: MemberStore, stamp: Stamp) => Promise<string>>> = {
  heartbeat: async (store, stamp) => (await store.heartbeat(stamp, { storeId: 'x', stats: STATS, seen: 0 })).status,
  serve: (store, stamp) => store.serve(stamp, { added: [B], dropped: [A] }),
  release: async (store, stamp) => {
    const { epoch } = await store.entries()
    const items = [{ id: A, superseding: A, targets: ['b'], quorum: 'all' as const }]
    return (await store.release(stamp, { decidedIn: epoch, freshMs: FRESH, items })).status
  },
  leave: (store, stamp) => store.leave(stamp),
}

export function stampCases({ it }: Contract): void {
  for (const [name, write] of Object.entries(WRITES)) {
    const refused = async (s: Subject, stamp: Stamp, status: string) => {
      const before = await s.everything()
      assertEqual(await write(s.store, stamp), status, `the status of ${JSON.stringify(stamp)}`)
      assertEqual(await s.everything(), before, 'nothing to be written')
    }
    it(`${name} with a sequence that is not newer is stale and writes nothing`, async s => {
      const a = await two(s)
      await refused(s, { ...a.stamp(), sequence: 3 }, 'stale')
      await refused(s, { ...a.stamp(), sequence: 2 }, 'stale')
    })
    it(`${name} of an older incarnation is superseded and writes nothing`, async s => {
      const a = await two(s)
      await refused(s, { ...a.stamp(), incarnation: a.incarnation - 1 }, 'superseded')
    })
    it(`${name} of an incarnation that the store does not know is missing and writes nothing`, async s => {
      const a = await two(s)
      await refused(s, { ...a.stamp(), incarnation: a.incarnation + 1 }, 'missing')
    })
    it(`${name} of nobody the store knows is missing and writes nothing`, async s => {
      await two(s)
      await refused(s, { id: 'nobody', incarnation: 1, sequence: 1 }, 'missing')
      assertEqual((await s.store.heartbeats()).heartbeats.has('nobody'), false, 'whether there is a heartbeat')
    })
    it(`${name} counts as heard of: sequence and age of the heartbeat are those of the write`, async s => {
      const a = await two(s)
      await s.pass(20, 'a')
      const before = await ageOf(s)
      assertEqual(await write(s.store, { ...a.stamp(), sequence: 99 }), 'ok', 'the status')
      assertEqual((await s.store.heartbeats()).heartbeats.get('a')?.sequence, 99, 'the sequence')
      const after = await ageOf(s)
      assert(after < before, `an age below ${before} ms: current value is ${after}`)
    })
  }
  it('sequences may leave numbers out, up to the largest integer', async s => {
    const a = await s.member('a')
    for (const sequence of [50, 51, 4_000_000_000, 2 ** 52]) {
      assertEqual(await s.store.leave({ ...a.stamp(), sequence }), 'ok', `sequence ${sequence}`)
      assertEqual((await s.store.heartbeats()).heartbeats.get('a')?.sequence, sequence, 'the sequence in the heartbeat')
    }
  })
  it('a serve that lands late claims nothing', async s => {
    const a = await s.member('a', [A])
    const late = a.stamp()
    await a.serve([], [A])
    assertEqual(await s.store.serve(late, { added: [A], dropped: [] }), 'stale', 'the late one')
    assertEqual(await claimsOf(a), [], 'no claims')
  })
  it('a heartbeat writes store id and statistics, and is answered with epoch, store id and freeze', async s => {
    const a = await s.member('a')
    const { epoch, storeId } = await s.store.entries()
    assertEqual(await a.heartbeat({ stats: STATS }), { status: 'ok', epoch, storeId, frozen: false }, 'the reply')
    const heartbeat = (await s.other.heartbeats()).heartbeats.get('a')
    assertEqual([heartbeat?.storeId, heartbeat?.stats], [storeId, STATS], 'what the other client reads')
    await a.heartbeat({ storeId: 'gone', stats: undefined })
    const next = (await s.other.heartbeats()).heartbeats.get('a')
    assertEqual([next?.storeId, next?.stats], ['gone', undefined], 'what it reads after the next heartbeat')
  })
  it('serve and release keep the store id and the statistics of the last heartbeat', async s => {
    const a = await two(s)
    await a.heartbeat({ stats: STATS })
    for (const name of ['serve', 'release'] as const) await WRITES[name]?.(s.store, a.stamp())
    const heartbeat = (await s.store.heartbeats()).heartbeats.get('a')
    assertEqual([heartbeat?.storeId, heartbeat?.stats], [a.storeId, STATS], 'what the heartbeat says')
  })
  it('a release that is refused for epoch or freeze does not count as heard of', async s => {
    const a = await two(s)
    const before = await s.everything()
    assertEqual(await a.release([], { decidedIn: 1 }), { status: 'epoch' }, 'the reply in an old epoch')
    assertEqual(await s.everything(), before, 'nothing to be written')
    await s.store.freeze(true)
    const frozen = await s.everything()
    assertEqual(await a.release([]), { status: 'frozen' }, 'the reply while frozen')
    assertEqual(await s.everything(), frozen, 'nothing to be written')
  })
  it('a heartbeat of a member that is down says so, is written, and brings nobody back', async s => {
    const a = await s.member('a')
    await s.expire('a')
    const { epoch, storeId } = await s.store.entries()
    const reply = await a.heartbeat({ stats: STATS, seen: epoch + 1000 })
    assertEqual(reply, { status: 'down', epoch, storeId, frozen: false }, 'the reply, in the same epoch')
    assertEqual((await s.record('a')).state, 'down', 'its state')
    const heartbeat = (await s.store.heartbeats()).heartbeats.get('a')
    assertEqual([heartbeat?.sequence, heartbeat?.stats], [a.sequence, STATS], 'its heartbeat')
  })
  it('every client reads the same', async s => {
    const a = await two(s)
    assertEqual((await s.other.entries()).members, (await s.store.entries()).members, 'the records')
    assertEqual([...(await s.other.claims('a'))], await claimsOf(a), 'the claims')
    assertEqual((await s.other.heartbeats()).heartbeats.get('a')?.sequence, a.sequence, 'the sequence in the heartbeat')
  })
}

/** Members a and b, which both claim A; a has written three times. */
async function two(s: Subject) {
  await s.member('b', [A])
  return await s.member('a', [A])
}

async function ageOf(s: Subject): Promise<number> {
  return (await s.store.heartbeats()).heartbeats.get('a')?.age ?? Number.NaN
}
