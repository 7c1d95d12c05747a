/**
 * The protocol with one rule taken out, each in the real code, bent from outside. Each of these loses a block in some history: a simulation that
 * does not find one would not find a mistake of ours either.
 */
import type { BlockId, Handover, OwnershipPlugin } from 'blockgate'
import {
  type JoinReply,
  type JoinRequest,
  type MemberStore,
  MemberTable,
  type ReleaseItem,
  type ReleaseReply,
  type ReleaseRequest,
  type Stamp,
  type WriteStatus,
} from 'blockgate/members'
import { dedup } from 'blockgate/plugins/filter/dedup'
import type { Running } from './running.ts'
import type { Variant } from './variant.ts'

/** A table that gives up whatever `may` says, and asks nothing else. */
abstract class Careless extends MemberTable {
  override release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    const { epoch } = this.record()
    if (request.decidedIn !== epoch) return { status: 'epoch' }
    const released = request.items
      .filter(item => !item.targets.includes(stamp.id) && this.may(item))
      .map(item => item.id)
    const status = this.serve(stamp, { added: [], dropped: released })
    return status === 'ok' ? { status, released } : { status }
  }

  protected abstract may(item: ReleaseItem): boolean
}

class EpochAlone extends Careless {
  protected override may(): boolean {
    return true
  }
}

class OneActiveOwner extends Careless {
  protected override may({ targets }: ReleaseItem): boolean {
    const { members } = this.record()
    return targets.some(id => members.get(id)?.state === 'active')
  }
}

class TwoSteps extends MemberTable {
  /** Only looks; the claims are taken away by a second step. */
  override release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    const before = this.snapshot()
    const reply = super.release(stamp, request)
    this.restore(before, before.storeId)
    return reply
  }
}

class NoSequence extends MemberTable {
  override serve(
    stamp: Stamp,
    change: { readonly added: readonly BlockId[]; readonly dropped: readonly BlockId[] },
  ): WriteStatus {
    return super.serve(newest(this, stamp), change)
  }
}

class NoStoreId extends MemberTable {
  override restore(snapshot: ReturnType<MemberTable['snapshot']>, storeId: string): void {
    super.restore(snapshot, snapshot.storeId === '' ? storeId : snapshot.storeId)
  }
}

/** Whoever has the id is the member. */
class NoIncarnation extends MemberTable {
  override join(request: JoinRequest): JoinReply {
    const record = this.record().members.get(request.id)
    if (!record) return super.join(request)
    const { sequence } = newest(this, { ...request, incarnation: 0 })
    const { incarnation, process } = record
    return super.join({ ...request, incarnation, process, sequence })
  }

  override beat(stamp: Stamp, request: Parameters<MemberTable['beat']>[1]): ReturnType<MemberTable['beat']> {
    return super.beat(newest(this, stamp), request)
  }

  override serve(stamp: Stamp, change: Parameters<MemberTable['serve']>[1]): WriteStatus {
    return super.serve(newest(this, stamp), change)
  }

  override release(stamp: Stamp, request: ReleaseRequest): ReleaseReply {
    return super.release(newest(this, stamp), request)
  }
}

function newest(table: MemberTable, stamp: Stamp): Stamp {
  const sequence = (table.beats().beats.get(stamp.id)?.sequence ?? 0) + 1
  return { ...stamp, sequence: Math.max(sequence, stamp.sequence) }
}

/** `release` of a plugin put aside: the plugin takes the claim away itself. */
function released(running: Running, handover: Handover, id: BlockId, signal: AbortSignal): Promise<'released'> {
  // As far as the sink is concerned somebody has granted it.
  running.released.add(id)
  return handover.serve({ added: [], dropped: [id] }, signal).then(() => 'released')
}

function withHandover(plugin: OwnershipPlugin, change: (handover: Handover) => Partial<Handover>): OwnershipPlugin {
  const { handover } = plugin
  if (!handover) return plugin
  const bent = Object.assign(Object.create(handover) as Handover, change(handover))
  return Object.assign(Object.create(plugin) as OwnershipPlugin, { handover: bent })
}

/** A class may keep its state in private fields: its methods are called on itself. */
function bound<T extends object>(target: T, change: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(change, key)) return change[key as keyof T]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const LINGER_LIMIT = 20_000
const DROPPING = 2_000

export const BROKEN: readonly Variant[] = [
  {
    name: 'release-in-two-steps',
    table: options => new TwoSteps(options),
    store: (store, { process }) =>
      bound(store, {
        async release(stamp: Stamp, request: ReleaseRequest) {
          const reply = await store.release(stamp, request)
          if (reply.status !== 'ok' || reply.released.length === 0) return reply
          await new Promise<void>(resolve => process.setTimer(process.random() * 3_000, resolve))
          const status = await store.serve(stamp, { added: [], dropped: reply.released })
          return status === 'ok' ? reply : { status }
        },
      }),
  },
  { name: 'release-by-epoch-alone', table: options => new EpochAlone(options) },
  {
    name: 'drop-on-losing-ownership',
    plugin: (plugin, running) =>
      withHandover(plugin, handover => ({
        release: ({ id }, _, signal) => released(running, handover, id, signal),
      })),
  },
  { name: 'one-active-owner-is-enough', table: options => new OneActiveOwner(options) },
  { name: 'stop-without-clearing-claims', store: store => bound(store, { leave: async () => 'ok' as const }) },
  {
    name: 'publish-with-blocks-being-dropped',
    store(store, { process }) {
      const dropping = new Map<BlockId, number>()
      return bound(store, {
        async release(stamp: Stamp, request: ReleaseRequest) {
          const reply = await store.release(stamp, request)
          if (reply.status === 'ok') for (const id of reply.released) dropping.set(id, process.monotonic())
          return reply
        },
        serve(stamp: Stamp, change: Parameters<MemberStore['serve']>[1]) {
          const still = [...dropping].filter(([, at]) => process.monotonic() - at < DROPPING).map(([id]) => id)
          return store.serve(stamp, { ...change, added: [...change.added, ...still] })
        },
      })
    },
  },
  { name: 'no-sequence-check', table: options => new NoSequence(options) },
  { name: 'no-store-id-check', table: options => new NoStoreId(options) },
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
          return answer === 'kept' && now - first > LINGER_LIMIT
            ? released(running, handover, block.id, signal)
            : answer
        },
      }))
    },
  },
  {
    name: 'two-processes-with-one-id',
    table: options => new NoIncarnation(options),
    store(store, running) {
      // The one that starts does not look whether somebody lives under its id.
      const hidden = async <T extends { readonly members?: unknown; readonly beats?: unknown }>(
        view: Promise<T>,
      ): Promise<T> => {
        const seen = await view
        if (running.incarnation > 0) return seen
        const without = (map: unknown) =>
          new Map([...(map as Map<string, unknown>)].filter(([id]) => id !== running.id))
        return 'members' in seen ? { ...seen, members: without(seen.members) } : { ...seen, beats: without(seen.beats) }
      }
      return bound(store, { record: () => hidden(store.record()), beats: () => hidden(store.beats()) })
    },
  },
  {
    name: 'dedup-without-superseded-by',
    stages() {
      const stage = dedup()
      return [
        {
          ...stage,
          async select(blocks, run) {
            const selections = await stage.select(blocks, run)
            return selections.map(({ id, skip }) => (skip === undefined ? { id } : { id, skip }))
          },
        },
      ]
    },
  },
]
