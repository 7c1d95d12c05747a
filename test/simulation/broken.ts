/**
 * The protocol with one rule taken out, each in the real code, bent from outside. Each of these loses a block, or lies
 * about one, in some history: a simulation that does not find it would not find a mistake of ours either.
 *
 * Two rules are not here. Without fences, or without the guard, a hundred histories show nothing: neither loses a copy, as the model
 * says (`no guard` in test/model), and what they prevent needs a race of milliseconds. The kit of the stores and
 * test/plugins/ownership/redlock/records.test.ts hold them.
 */
import type { BlockId, Epoch, Handover, OwnershipPlugin } from 'blockgate'
import type { ReleaseRequest, SlotStore, Stamp } from 'blockgate/members'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { bound } from './bound.ts'
import { forgottenSoon, lockingForItself, releasesSlowly, sleepwalking, withoutGrace } from './broken-leases.ts'
import { NoFence, NoIncarnation, NoPrecondition, NoSequence, NoStoreId, TwoSteps } from './broken-tables.ts'
import type { Running, Tested, Variant } from './world.ts'

const LINGER_LIMIT = 20_000
const DROPPING = 2_000
const SECOND_STEP = 2_250

export interface Broken extends Variant {
  /** The plugins that it is nothing for, by name, and why. */
  readonly notFor?: Readonly<Record<string, string>>
}

const NO_SLOTS = { ring: 'it has no slots, no locks and no fences' }

const BROKEN: readonly Broken[] = [
  {
    name: 'release-in-two-steps',
    world: { members: 3, replicas: 1, handoverDelayMs: 0 },
    table: options => new TwoSteps(options),
    store: releasesInTwoSteps,
  },
  { name: 'release-by-epoch-alone', plugin: releasing(() => true) },
  { name: 'drop-on-losing-ownership', plugin: dropping },
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
  { name: 'publish-with-blocks-being-dropped', store: publishesDropped },
  { name: 'no-sequence-check', table: options => new NoSequence(options) },
  { name: 'no-store-id-check', table: options => new NoStoreId(options) },
  { name: 'linger-limit-that-drops', plugin: noLongerPending },
  { name: 'two-processes-with-one-id', table: options => new NoIncarnation(options), store: looksAway },
  { name: 'dedup-without-superseded-by', stages: () => [forgetfulDedup()] },
  { name: 'hold-with-any-fence', notFor: NO_SLOTS, table: options => new NoFence(options) },
  {
    name: 'guard-not-compared',
    notFor: NO_SLOTS,
    table: options => new NoPrecondition(options),
    store: releasesSlowly,
  },
  { name: 'locks-that-exclude-nobody', notFor: NO_SLOTS, client: lockingForItself },
  { name: 'lock-not-checked-after-a-pause', notFor: NO_SLOTS, plugin: sleepwalking },
  { name: 'grant-used-after-its-ttl', notFor: NO_SLOTS, client: forgottenSoon },
  { name: 'rivals-do-not-wait-for-the-grace', notFor: NO_SLOTS, store: withoutGrace },
]

/** Those that there can be for the plugin. */
export function brokenFor({ name }: Tested): readonly Broken[] {
  return BROKEN.filter(({ notFor = {} }) => !Object.hasOwn(notFor, name))
}

type Needs = Parameters<Handover['release']>[0]['superseding']

/** Looks first; takes the claims away when the answer has come back. */
function releasesInTwoSteps(store: SlotStore, { process }: Running): SlotStore {
  return bound(store, {
    async release(stamp: Stamp, request: ReleaseRequest) {
      const reply = await store.release(stamp, request)
      if (reply.status !== 'ok' || reply.released.length === 0) return reply
      await new Promise<void>(resolve => process.setTimer((1 + process.random()) * SECOND_STEP, resolve))
      const status = await store.serve(stamp, { added: [], dropped: reply.released })
      return status === 'ok' ? reply : { status }
    },
  })
}

/** Lets go where `may` says so, in the epoch in which it was decided, and asks nobody. */
function releasing(may: (superseding: Needs, handover: Handover, me: string) => boolean) {
  return (plugin: OwnershipPlugin, running: Running): OwnershipPlugin =>
    withHandover(plugin, handover => ({
      async release({ id, superseding }, decidedIn: Epoch, signal) {
        if (decidedIn !== plugin.epoch(superseding) || !may(superseding, handover, running.id)) return 'kept'
        return letGo(running, handover, id, signal)
      },
    }))
}

/** What is not its own any more goes; a compacted block's children wait as they should. */
function dropping(plugin: OwnershipPlugin, running: Running): OwnershipPlugin {
  return withHandover(plugin, handover => ({
    release(block, decidedIn, signal) {
      if (block.superseding.ulid !== block.id) return handover.release(block, decidedIn, signal)
      return letGo(running, handover, block.id, signal)
    },
  }))
}

function noLongerPending(plugin: OwnershipPlugin, running: Running): OwnershipPlugin {
  const since = new Map<BlockId, number>()
  return withHandover(plugin, handover => ({
    async release(block, decidedIn, signal) {
      const answer = await handover.release(block, decidedIn, signal)
      const now = running.process.monotonic()
      const first = since.get(block.id) ?? now
      since.set(block.id, first)
      return answer === 'kept' && now - first > LINGER_LIMIT ? letGo(running, handover, block.id, signal) : answer
    },
  }))
}

/** Tells the store once more what was released a moment ago. */
function publishesDropped(store: SlotStore, { process }: Running): SlotStore {
  const going = new Map<BlockId, number>()
  return bound(store, {
    async release(stamp: Stamp, request: ReleaseRequest) {
      const reply = await store.release(stamp, request)
      if (reply.status === 'ok') for (const id of reply.released) going.set(id, process.monotonic())
      return reply
    },
    serve(stamp: Stamp, change: Parameters<SlotStore['serve']>[1]) {
      const still = [...going].filter(([, at]) => process.monotonic() - at < DROPPING).map(([id]) => id)
      return store.serve(stamp, { ...change, added: [...change.added, ...still] })
    },
  })
}

/** One that starts does not look whether somebody lives under its id. */
function looksAway(store: SlotStore, running: Running): SlotStore {
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
}

function forgetfulDedup(): ReturnType<typeof dedup> {
  const stage = dedup()
  return {
    ...stage,
    async select(blocks, run) {
      const selections = await stage.select(blocks, run)
      return selections.map(({ id, skip }) => (skip === undefined ? { id } : { id, skip }))
    },
  }
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
