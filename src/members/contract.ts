/**
 * The member store: what gateways know of each other, for every ownership plugin whose members come and go. docs/protocol.md says why each rule is there.
 *
 * The store is passive. Each method is one atomic step; it checks everything first and writes last, in an order in which a
 * prefix of the writes only takes advertised blocks away. A method rejects with OwnershipUnavailable where the store cannot be reached
 * or its answer is unknown: the step may have been done, or may land later. Values read back are validated: one broken entry
 * is left out and counted, never trusted, never fatal.
 */
import type { BlockId } from '../contracts/block.ts'
import type { Component } from '../contracts/host.ts'
import type { Epoch, MemberState, MemberStats } from '../contracts/ownership.ts'

/** Ids of members and zones: they become parts of keys, labels and log lines. */
export const MEMBER_ID: RegExp = /^[A-Za-z0-9._:-]{1,128}$/

/** Block ids that one call of `serve` or `release` may carry. */
export const MAX_IDS = 500

/** UTF-16 code units of a published placement; they are ASCII, so bytes too. A store gives a longer one as `''`. */
export const MAX_PLACEMENT = 131_072

export interface MemberEntry {
  readonly id: string
  readonly zone: string | undefined
  /** Where other members and operators reach it; shown, never called by the protocol. */
  readonly address: string | undefined
  /** `leaving`: up, and draining. */
  readonly state: MemberState
  /** Counts for placement, unless it drains. False once it was down for the whole grace. */
  readonly placed: boolean
  /** The intent to drain; it survives the process, and being down. */
  readonly draining: boolean
  /** Of one process; larger for each process start. Given by the store at the first join: the epoch that the join made. */
  readonly incarnation: number
  /** Random, of one process: tells a repeated first join from a second process. */
  readonly process: string
  /** What all members must agree on before anything is released: replicas, placement, zones, version of the protocol. */
  readonly fingerprint: string
  /** Identity of the bucket; `''` where the bucket has none. */
  readonly bucket: string
  /** The epoch of its last change. */
  readonly changed: Epoch
}

/** The order of one member's writes. A write whose stamp is not newer than the last one of its incarnation is refused. */
export interface Stamp {
  readonly id: string
  readonly incarnation: number
  /** Grows with every write of the process, whatever became of the write before. */
  readonly sequence: number
}

/** Written with every stamped write, by `heartbeat` completely. */
export interface Heartbeat {
  readonly incarnation: number
  readonly sequence: number
  /**
   * The id of the store that has all advertised blocks of the member; `''` before, and while the member is not ready. They count only
   * where this is current.
   */
  readonly storeId: string
  /** Grows when the member's advertised blocks change, and only then; after a join it is a number that it never was before. */
  readonly version: number
  /** Age by the store's clock when it was read, ms. Freshness for release is judged by the store; liveness by change alone. */
  readonly age: number
  /** For people: what the member said of itself. */
  readonly stats: MemberStats | undefined
}

interface StoreView {
  readonly epoch: Epoch
  /** Changes when the store may have lost writes: emptied, failed over, restored. */
  readonly storeId: string
  readonly frozen: boolean
  /** Entries that were left out. */
  readonly broken: number
}

/** What changes only when the epoch does. */
export interface EntriesView extends StoreView {
  /**
   * Why the epoch moved last, for a log line; `''` before it ever did. `gw-1` with `joined`, `down: stopped`, `down: no heartbeat
   * seen by gw-2`, `evicted: its grace is over`, `forgotten`, `leaving`, `active again`, `has published a placement` or `has seen a
   * later epoch`; or `frozen`, `thawed`.
   */
  readonly cause: string
  /** The W3C `traceparent` of that change, where somebody traced it. For people: nothing depends on it. */
  readonly trace?: string | undefined
  readonly members: ReadonlyMap<string, MemberEntry>
  /** What was published last, in this epoch or an earlier one; undefined where nothing was. Owners may follow from it, as from the entries. */
  readonly placement?: PublishedPlacement | undefined
}

/** What a placement keeps in the store: which blocks are not where a hash puts them. Only the placement knows what the text means. */
export interface PublishedPlacement {
  /** The epoch that publishing it made. */
  readonly version: Epoch
  /** Undefined where whoever asked knows this version. It is as untrusted as anything that is read. */
  readonly text: string | undefined
}

export interface PlacementRequest {
  /** The epoch in which it was worked out: it is the comparison of the compare-and-swap, for members and placement alike. */
  readonly decidedIn: Epoch
  /** ASCII, at most MAX_PLACEMENT. */
  readonly text: string
  /** The W3C `traceparent` of the change, as in EntriesView. */
  readonly trace?: string | undefined
}

/** What is read at every poll. */
export interface HeartbeatView extends StoreView {
  readonly heartbeats: ReadonlyMap<string, Heartbeat>
}

/** `incarnation`: 0 at the first join of a process; later its own, to come back after being down, forgotten, or lost by the store. */
export interface JoinRequest
  extends Stamp,
    Pick<MemberEntry, 'zone' | 'address' | 'process' | 'fingerprint' | 'bucket'> {
  /** First join only: the incarnation of the entry that it takes the place of, as it was read; 0 for none. A join that lands late is refused by it. */
  readonly replaces: number
  /** The largest epoch this process has seen: the store goes past it, also where it has lost it. */
  readonly seen: Epoch
  /** As in EntriesView. */
  readonly trace?: string | undefined
}

export type JoinReply =
  | ({ readonly status: 'joined' } & Pick<MemberEntry, 'incarnation' | 'draining'> &
      Pick<StoreView, 'epoch' | 'storeId'>)
  /** The entry is not the one in `replaces`: read again. */
  | { readonly status: 'moved' }
  /** A newer process has this id. */
  | { readonly status: 'superseded' }
  | { readonly status: 'stale' }
  /** Another member that is not down works on another bucket: `member` and its `bucket`. */
  | { readonly status: 'other-bucket'; readonly member: string; readonly bucket: string }

/**
 * What became of a stamped write. `missing`: no entry of this incarnation (and so no advertised block); `superseded`: a newer process has the
 * id; `stale`: a newer write came first. Nothing is written for these three.
 */
export type WriteStatus = 'ok' | 'missing' | 'superseded' | 'stale'

/** `storeId` as in Heartbeat, `seen` as in JoinRequest. */
export interface HeartbeatRequest extends Pick<Heartbeat, 'storeId' | 'stats'>, Pick<JoinRequest, 'seen'> {}

/** `down`: the entry says so; nothing but the heartbeat was written; join again. */
export interface HeartbeatReply extends Omit<StoreView, 'broken'> {
  readonly status: WriteStatus | 'down'
}

export interface AdvertisedChange {
  readonly added: readonly BlockId[]
  readonly dropped: readonly BlockId[]
}

export interface ReleaseItem {
  readonly id: BlockId
  /** The block itself, or the parent that supersedes it. */
  readonly superseding: BlockId
  /** The members to look at; never empty. Where `superseding` is the block itself, the releasing member must not be among them. */
  readonly targets: readonly string[]
  /** `all`: every target must serve `superseding`. `any`: one is enough (short disk, `maxPendingHandOff`). */
  readonly quorum: 'all' | 'any'
  /** Of a plugin that leases slots: what the targets were taken from, beside the epoch. A store without slots keeps such an item. */
  readonly precondition?: SlotPrecondition | undefined
}

export interface ReleaseRequest {
  /** The epoch in which the targets were computed. */
  readonly decidedIn: Epoch
  /** A heartbeat of this age by the store's clock, or older, does not count, ms. */
  readonly freshMs: number
  /** At most MAX_IDS. */
  readonly items: readonly ReleaseItem[]
}

export type ReleaseReply =
  /** These are not advertised any more: drop them. The others stay. */
  | { readonly status: 'ok'; readonly released: readonly BlockId[] }
  | { readonly status: 'epoch' | 'frozen' | Exclude<WriteStatus, 'ok'> }

/** At most `max` members may be expired within `windowMs` of the store's clock, whoever asks. */
export interface ExpireLimit {
  readonly max: number
  readonly windowMs: number
}

export type SeenHeartbeat = Pick<Heartbeat, 'incarnation' | 'sequence'>

export type ExpireReply = 'expired' | 'moved' | 'refused' | 'gone'

/** @see MEMBER_ID for what an id may be; every other id rejects with `invalid-member`. */
export interface MemberStore extends Component {
  /** False where the store lives in this process alone: commands of another process cannot reach it. */
  readonly shared: boolean
  /** The name of the gateways that work together, where the store has one: what they lock elsewhere is named after it. */
  readonly cluster?: string | undefined

  /** Takes the advertised blocks of the member away, writes entry and heartbeat, raises the epoch. A repeated first join of one process gets its first incarnation again. */
  join(request: JoinRequest): Promise<JoinReply>
  heartbeat(stamp: Stamp, request: HeartbeatRequest): Promise<HeartbeatReply>
  /** Orderly stop: takes all advertised blocks away, then sets `down` and raises the epoch, where it was not down already. */
  leave(stamp: Stamp, trace?: string): Promise<WriteStatus>

  /** Advertised blocks: takes `dropped` away, then adds `added`. At most MAX_IDS ids together. */
  serve(stamp: Stamp, change: AdvertisedChange): Promise<WriteStatus>
  /**
   * Takes each item out of what I advertise for which, now: the epoch is `decidedIn`, nothing is frozen, and all (or any) of the
   * targets have a fresh heartbeat of the incarnation in their entry, are not `down`, carry the current store id, and advertise `superseding`.
   * Each item is judged after those before it. `missing` also where the own entry is `down`; then comes `epoch`, then `frozen`.
   */
  release(stamp: Stamp, request: ReleaseRequest): Promise<ReleaseReply>
  /** What a member advertises. All that it advertises from the beginning to the end of the call is there; what comes or goes meanwhile may be. */
  advertised(id: string): Promise<ReadonlySet<BlockId>>

  /**
   * Sets `down` and raises the epoch, if the heartbeat is still the one `seen`. `gone`: no entry, or down already; then comes
   * `moved`, then `refused`: frozen, or the limit is reached.
   */
  expire(id: string, seen: SeenHeartbeat, limit: ExpireLimit, by: string, trace?: string): Promise<ExpireReply>
  /** The end of the grace: `placed: false`, if it is down and its entry is still the one of epoch `changed`. False: it is not, or is frozen. */
  evict(id: string, changed: Epoch, trace?: string): Promise<boolean>
  /** Removes advertised blocks, heartbeat and entry, if it is down and its entry is still the one of epoch `changed`. */
  forget(id: string, changed: Epoch, trace?: string): Promise<boolean>

  /** Sets or clears the intent to drain; raises the epoch where it changed. False: no such member. */
  drain(id: string, on: boolean, trace?: string): Promise<boolean>
  /** While frozen nothing is released, expired or evicted. Raises the epoch where it changed. */
  freeze(on: boolean, trace?: string): Promise<void>

  /**
   * Keeps the W3C `traceparent` under which each block was loaded last, for an hour or so: who lets go of it goes on with that trace. At most
   * MAX_IDS. A store may leave it out, and forget any.
   */
  tellTraces?(traces: ReadonlyMap<BlockId, string>): Promise<void>
  /** What was told of them; anybody may have written it. At most MAX_IDS. */
  traces?(ids: readonly BlockId[]): Promise<ReadonlyMap<BlockId, string>>

  /**
   * Publishes a placement, and raises the epoch, where the epoch is still `decidedIn`, nothing is frozen, and the own entry is not down
   * (`missing`).
   */
  publishPlacement(stamp: Stamp, request: PlacementRequest): Promise<WriteStatus | 'epoch' | 'frozen'>

  /** `known`: the version of the placement that whoever asks has already: its text is left out, for no version comes twice. */
  entries(known?: Epoch): Promise<EntriesView>
  heartbeats(): Promise<HeartbeatView>
  /** Calls `listener` soon after an epoch was raised, or a slot changed; a hint that may be lost, and may come late or twice. */
  watch(listener: () => void): Disposable
}

/** Larger than every one given before by the same store; never raises the epoch. */
export type Fence = number

export interface SlotEntry extends SlotRank {
  /** A member's id; `''`: given up, and free for whoever wins the lock. */
  readonly holder: string
  readonly fence: Fence
}

/** The item is done only where these are still the records of the slot, all of them. */
export interface SlotPrecondition {
  readonly slot: number
  /** Each rank once; ranks nobody ever held are absent. */
  readonly holders: readonly Omit<SlotEntry, 'slot'>[]
}

/** A slot has as many ranks as a block has copies. */
export interface SlotRank {
  /** 0 to 65,535. Others, also in preconditions, reject with `stage-misuse`. */
  readonly slot: number
  /** 0 to 15. */
  readonly rank: number
}

export interface HoldRequest {
  /** Each once, at most MAX_IDS. */
  readonly ranks: readonly SlotRank[]
  /** For all of them: it grows for each rank by itself. */
  readonly fence: Fence
  readonly give: boolean
}

export type HoldReply =
  /** Those that were recorded. The others are as they were: somebody has a fence that is not smaller, or with `give` the member is not the holder. */
  { readonly status: 'ok'; readonly recorded: readonly SlotRank[] } | { readonly status: Exclude<WriteStatus, 'ok'> }

/**
 * Up to where the records of the slots were read. Of one write alone: a store that has lost it gives no changes since it, also where a
 * later write has the same version.
 */
export type SlotMark = string

export interface SlotView {
  /** Grows with every change of a slot, and follows the clock as epochs do; another one where the store has lost records. */
  readonly version: number
  /** For the next reading. */
  readonly mark: SlotMark
  /** `slots` are all there are; else those that were recorded since the mark that was named, and none is gone. */
  readonly whole: boolean
  readonly slots: readonly SlotEntry[]
  /** Entries that were left out. */
  readonly broken: number
}

/**
 * For ownership plugins that lease slots instead of computing owners. A slot is a hash bucket of blocks, with recorded holders. Who may
 * record itself is decided elsewhere (a lock); the entry says who was last, and a fence orders them. Methods as in MemberStore.
 */
export interface SlotStore extends MemberStore {
  /** `max(previous + 1, epoch + 1, the store's clock in µs)`: it survives an emptied store as epochs do. */
  fence(): Promise<Fence>
  /**
   * Records the member of the stamp as the holder of each rank, or, with `give`, nobody; only where `fence` is larger than the recorded
   * one, and with `give` only where the member is the recorded holder. One that is refused is no hindrance to the others.
   */
  hold(stamp: Stamp, request: HoldRequest): Promise<HoldReply>
  /**
   * What was recorded since the mark: undefined where that is nothing. Everything where the store does not know the mark: it was
   * emptied, has lost that write in a failover, or has forgotten which records were written since.
   */
  slots(since: SlotMark | undefined): Promise<SlotView | undefined>
}
