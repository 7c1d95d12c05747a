/**
 * The protocol with one rule taken out, each in the real code, bent from outside. Each of these loses a block, or lies
 * about one, in some history: a simulation that does not find it would not find a mistake of ours either.
 */
import type { BlockId, Handover, OwnershipPlugin } from 'blockgate'
import type { MemberTable, Stamp } from 'blockgate/members'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { compareTail } from 'blockgate/source'
import { blockMeta } from 'blockgate/testing'
import { keyOf, seedOf } from '../../plugins/placement/balanced/key.ts'
import { decode } from '../../plugins/placement/balanced/table.ts'
import { bound, late, table } from './bent.ts'
import { LEASED } from './broken-leases.ts'
import type { Running } from './running.ts'
import type { Tested, Variant } from './world.ts'

/** How long things take here, ms. */
const PENDING_LIMIT = 20_000
const DROPPING = 2_000
const SECOND_STEP = 2_250
const LATE_PLACEMENT = 3_500

const ALL: readonly Variant[] = [
  /** What a look at new blocks does not show is gone. */
  {
    name: 'a-look-taken-for-everything',
    world: { looks: true },
    async compare(next, before, engine, now) {
      const { all } = await compareTail(next, before, engine, now)
      const blocks = all?.blocks.filter(({ meta }) => !before.view.seen.has(meta.ulid)) ?? []
      return { all: { blocks, partial: [] }, kept: { listed: 'all' } }
    },
  },
  /** Looks first; takes the claims away when the answer has come back. */
  {
    name: 'release-in-two-steps',
    world: { members: 3, replicas: 1, handoverDelayMs: 0 },
    table: table(own => ({
      release(stamp, request) {
        const before = own.snapshot()
        const reply = own.release(stamp, request)
        own.restore(before, before.storeId)
        return reply
      },
    })),
    store: (store, { process }) =>
      bound(store, {
        async release(stamp, request) {
          const reply = await store.release(stamp, request)
          if (reply.status !== 'ok' || reply.released.length === 0) return reply
          await late(process, (1 + process.random()) * SECOND_STEP)
          const status = await store.serve(stamp, { added: [], dropped: reply.released })
          return status === 'ok' ? reply : { status }
        },
      }),
  },
  { name: 'release-by-epoch-alone', plugin: releasing(() => true) },
  /** What is not its own any more goes; a compacted block's children wait as they should. */
  {
    name: 'drop-on-losing-ownership',
    plugin: (plugin, running) =>
      withHandover(plugin, handover => ({
        release(block, decidedIn, signal) {
          if (block.superseding.ulid !== block.id) return handover.release(block, decidedIn, signal)
          return letGo(running, handover, block.id, signal)
        },
      })),
  },
  {
    name: 'one-active-owner-is-enough',
    plugin: releasing((superseding, handover, me) =>
      handover.owners(superseding).some(o => o.target && o.live && o.member !== me),
    ),
  },
  {
    name: 'stop-without-clearing-claims',
    store: store => bound(store, { leave: async () => 'ok' as const }),
    plugin: plugin => withHandover(plugin, handover => ({ ready: is => (is ? handover.ready(is) : undefined) })),
  },
  /** Tells the store once more what was released a moment ago. */
  {
    name: 'publish-with-blocks-being-dropped',
    store(store, { process }) {
      const going = new Map<BlockId, number>()
      return bound(store, {
        async release(stamp, request) {
          const reply = await store.release(stamp, request)
          if (reply.status === 'ok') for (const id of reply.released) going.set(id, process.monotonic())
          return reply
        },
        serve(stamp, change) {
          const still = [...going].filter(([, at]) => process.monotonic() - at < DROPPING).map(([id]) => id)
          return store.serve(stamp, { ...change, added: [...change.added, ...still] })
        },
      })
    },
  },
  /** A write that comes late is taken for a new one. */
  {
    name: 'no-sequence-check',
    table: table(own => ({ serve: (stamp, change) => own.serve(newest(own, stamp), change) })),
  },
  /** A copy that took over calls itself the same store. */
  {
    name: 'no-store-id-check',
    table: table(own => ({ restore: snapshot => own.restore(snapshot, snapshot.storeId) })),
  },
  {
    name: 'linger-limit-that-drops',
    plugin(plugin, running) {
      const since = new Map<BlockId, number>()
      return withHandover(plugin, handover => ({
        async release(block, decidedIn, signal) {
          const answer = await handover.release(block, decidedIn, signal)
          const now = running.process.monotonic()
          const first = since.get(block.id) ?? now
          since.set(block.id, first)
          return answer === 'kept' && now - first > PENDING_LIMIT ? letGo(running, handover, block.id, signal) : answer
        },
      }))
    },
  },
  /** Whoever has the id is the member, and one that starts does not look whether somebody lives under its id. */
  {
    name: 'two-processes-with-one-id',
    table: table(own => ({
      join(request) {
        const entry = own.entries().members.get(request.id)
        if (!entry) return own.join(request)
        const { incarnation, process } = entry
        return own.join({ ...newest(own, request), incarnation, process })
      },
      heartbeat: (stamp, request) => own.heartbeat(newest(own, stamp), request),
      serve: (stamp, change) => own.serve(newest(own, stamp), change),
      release: (stamp, request) => own.release(newest(own, stamp), request),
      hold: (stamp, request) => own.hold(newest(own, stamp), request),
    })),
    store(store, running) {
      const without = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
        running.incarnation > 0 ? map : new Map([...map].filter(([id]) => id !== running.id))
      return bound(store, {
        async entries() {
          const view = await store.entries()
          return { ...view, members: without(view.members) }
        },
        async heartbeats() {
          const view = await store.heartbeats()
          return { ...view, heartbeats: without(view.heartbeats) }
        },
      })
    },
  },
  {
    name: 'dedup-without-superseded-by',
    stages() {
      const stage = dedup()
      const forgetful: typeof stage = {
        ...stage,
        async select(blocks, run) {
          const selections = await stage.select(blocks, run)
          return selections.map(({ id, skip }) => (skip === undefined ? { id } : { id, skip }))
        },
      }
      return [forgetful]
    },
  },
]

/** Of loading ahead. */
const WARM = { prewarm: 1_000_000 }
const AHEAD: readonly Variant[] = [
  {
    name: 'warm-counted-as-loaded',
    world: WARM,
    sink(sink) {
      const { warm } = sink
      const extra = () =>
        [...(warm?.held ?? [])].map(([id, bytes]) => {
          return [id, { meta: blockMeta({ ulid: id }), bytes, fence: undefined }] as const
        })
      // What it takes for loaded the prewarmer would let go of.
      const kept = warm && bound(warm, { forget() {} })
      return { ...sink, ...(kept && { warm: kept }), loaded: () => new Map([...extra(), ...sink.loaded()]) }
    },
  },
  { name: 'warm-committed-without-verify', world: WARM, verifies: false },
  { name: 'warm-over-budget', world: { prewarm: 8_200 }, budget: bytes => 2 * bytes },
]

/** For placements that members publish. */
const PLACED: readonly Variant[] = [
  /** Counts on what it has worked out, whether or not the store takes it, which takes its time here. */
  {
    name: 'placement-applied-before-it-is-published',
    store: (store, { process }) =>
      bound(store, {
        async publishPlacement(stamp, request) {
          await late(process, process.random() * LATE_PLACEMENT)
          return store.publishPlacement(stamp, request)
        },
      }),
    placement(own) {
      let mine: string | undefined
      return {
        ...own,
        prepare: (members, published) => own.prepare(members, mine ?? published),
        publisher({ membership, ...ring }) {
          const publishPlacement: typeof membership.publishPlacement = request => {
            mine = request.text
            return membership.publishPlacement(request)
          }
          return must(own.publisher)({ ...ring, membership: bound(membership, { publishPlacement }) })
        },
      }
    },
  },
  /** Each epoch is worked out with what was published before it. */
  {
    name: 'stale-placement-kept-after-an-epoch',
    placement(own) {
      let last: string | undefined
      return {
        ...own,
        prepare(members, published) {
          const before = last
          last = published
          return own.prepare(members, before)
        },
      }
    },
  },
  /** Whoever is named owns the block, also where no such member is left. */
  {
    name: 'name-of-a-member-that-is-gone',
    placement: own => ({
      ...own,
      prepare(members, published) {
        const ranking = own.prepare(members, published)
        const named = published === undefined ? undefined : decode(published)
        return {
          ...ranking,
          *rank(id, block) {
            const first = (block && named?.get(keyOf(seedOf(block)))) ?? []
            yield* first
            for (const member of ranking.rank(id, block)) if (!first.includes(member)) yield member
          },
        }
      },
    }),
  },
]

/** Those that there can be for the plugin; of a placement those alone that are about it, because the rest is the ring's. */
export function brokenFor({ name }: Tested): readonly Variant[] {
  if (name === 'balanced') return PLACED
  return name === 'ring' ? [...ALL, ...AHEAD] : [...ALL, ...LEASED, ...AHEAD]
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the placement must be one that members publish')
  return value
}

/** Whatever was written before, this is newer. */
function newest<T extends Pick<Stamp, 'id' | 'sequence'>>(own: MemberTable, stamp: T): T {
  const last = own.heartbeats().heartbeats.get(stamp.id)?.sequence ?? 0
  return { ...stamp, sequence: Math.max(stamp.sequence, last + 1) }
}

type Superseding = Parameters<Handover['release']>[0]['superseding']

/** Lets go where `may` says so, in the epoch in which it was decided, and asks nobody. */
function releasing(may: (superseding: Superseding, handover: Handover, me: string) => boolean) {
  return (plugin: OwnershipPlugin, running: Running): OwnershipPlugin =>
    withHandover(plugin, handover => ({
      async release({ id, superseding }, decidedIn, signal) {
        if (decidedIn !== plugin.epoch(superseding) || !may(superseding, handover, running.id)) return 'kept'
        return letGo(running, handover, id, signal)
      },
    }))
}

/** The claim is taken away, and nobody is asked; for the sink it is as if somebody had been. */
async function letGo(running: Running, handover: Handover, id: BlockId, signal: AbortSignal): Promise<'released'> {
  await handover.serve({ added: [], dropped: [id] }, signal)
  running.released.add(id)
  return 'released'
}

function withHandover(plugin: OwnershipPlugin, change: (handover: Handover) => Partial<Handover>): OwnershipPlugin {
  const { handover } = plugin
  return handover ? bound(plugin, { handover: bound(handover, change(handover)) }) : plugin
}
