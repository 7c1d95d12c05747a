/**
 * Random steps that are done to two member stores alike. Epochs and incarnations differ between the two, so each side has its own
 * numbers for them, and what is compared is their order.
 */
import { type BlockId, blockId, type Epoch } from 'blockgate'
import type { EntriesView, JoinRequest, ReleaseItem, SlotStore, SlotView, Stamp } from 'blockgate/members'
import { recordsIn, slotsAfter } from '../../../support/slot-views.ts'

type AlsoAtOnce<F> = F extends (...args: infer A) => infer R ? (...args: A) => R | Awaited<R> : F
/** A SlotStore whose steps may also be done at once, as MemberTable's are. */
export type Steps = {
  readonly [K in Exclude<
    keyof SlotStore,
    'watch' | 'start' | 'stop' | 'check' | 'name' | 'needs' | 'options' | 'shared' | 'cluster' | 'traces' | 'tellTraces'
  >]: AlsoAtOnce<SlotStore[K]>
}

export const IDS = ['gw-a', 'gw-b', 'gw-c', 'gw-d'] as const
const BLOCKS: readonly BlockId[] = Array.from({ length: 30 }, (_, i) =>
  blockId(`01HXAAAAAAAAAAAAAAAAAAAA${(i + 10).toString()}`),
)
const SLOTS = [0, 9, 65_535]
const HUGE = 1e12

/** One of the two, with its own numbers. */
export class Side {
  readonly steps: Steps
  readonly incarnations = new Map<string, number>()
  /** Of each member, where its count of changes started. */
  readonly bases = new Map<string, number>()
  /** Of each member, the largest count of changes that was seen. */
  readonly versions = new Map<string, number>()
  readonly epochs: Epoch[] = [0]
  /** Those that were given, in order. */
  readonly fences: number[] = []
  view: EntriesView | undefined
  /** What it knows of slots, some changes ago. */
  slotView: SlotView | undefined

  constructor(steps: Steps) {
    this.steps = steps
  }

  get epoch(): Epoch {
    return this.epochs.at(-1) ?? 0
  }

  /** Reads the record; epochs never come back. */
  async look(): Promise<void> {
    this.view = await this.steps.entries()
    const { epoch } = this.view
    if (epoch < this.epoch) throw new Error(`the epoch must not fall from ${this.epoch}: current value is ${epoch}`)
    if (epoch > this.epoch) this.epochs.push(epoch)
  }

  rank(epoch: Epoch): number {
    return this.epochs.indexOf(epoch)
  }

  store(id: string): string {
    return id === this.view?.storeId ? 'current' : id
  }

  async fence(): Promise<number> {
    const fence = await this.steps.fence()
    if (fence <= (this.fences.at(-1) ?? 0)) throw new Error(`fence ${fence} must be above ${this.fences.at(-1)}`)
    this.fences.push(fence)
    return fence
  }

  async slots() {
    const all = (await this.steps.slots(undefined))?.slots ?? []
    return all.toSorted((a, b) => a.slot - b.slot || a.rank - b.rank)
  }

  /** Everything that can be read, comparable between the sides. */
  async state(): Promise<unknown> {
    const record = await this.steps.entries()
    const heartbeats = await this.steps.heartbeats()
    const advertised = await Promise.all(IDS.map(async id => [id, [...(await this.steps.advertised(id))].sort()]))
    return {
      epoch: this.rank(record.epoch),
      epochOfHeartbeats: this.rank(heartbeats.epoch),
      cause: record.cause,
      placement: record.placement && [this.rank(record.placement.version), record.placement.text],
      frozen: [record.frozen, heartbeats.frozen],
      broken: [record.broken, heartbeats.broken],
      members: IDS.map(id => {
        const member = record.members.get(id)
        return member && { ...member, incarnation: this.rank(member.incarnation), changed: this.rank(member.changed) }
      }),
      heartbeats: IDS.map(id => {
        const heartbeat = heartbeats.heartbeats.get(id)
        if (!heartbeat) return undefined
        const { age: _, ...rest } = heartbeat
        this.versions.set(id, heartbeat.version)
        const claimed = heartbeat.version - (this.bases.get(id) ?? 0)
        return {
          ...rest,
          incarnation: this.rank(heartbeat.incarnation),
          version: claimed,
          storeId: this.store(heartbeat.storeId),
        }
      }),
      advertised,
      slots: (await this.slots()).map(record => ({ ...record, fence: this.fences.indexOf(record.fence) })),
    }
  }
}

/** A step: the same random choices for each side, with the side's own numbers. It answers what can be compared. */
export type Step = (side: Side) => Promise<{ readonly kind: string; readonly reply: unknown }>

/** Makes steps out of random numbers in [0, 1). */
export class Walk {
  readonly #random: () => number
  /** Of each member, its processes, the latest last, with the sequence of their last write. */
  readonly #processes = new Map<string, { readonly name: string; sequence: number }[]>()
  #count = 0

  constructor(random: () => number) {
    this.#random = random
  }

  next(): Step {
    const id = this.#pick(IDS)
    const make = this.#pick([
      ...[this.#firstJoin, this.#rejoin, this.#repeatedJoin, this.#leave, this.#expire, this.#expire],
      ...[this.#settle, this.#settle, this.#drain, this.#freeze],
      ...Array.from({ length: 7 }, () => this.#heartbeat),
      ...Array.from({ length: 8 }, () => this.#serve),
      ...Array.from({ length: 8 }, () => this.#release),
      ...Array.from({ length: 4 }, () => this.#hold),
      ...[this.#publish, this.#publish],
    ])
    return make.call(this, id)
  }

  #firstJoin(id: string): Step {
    const processes = this.#processes.get(id) ?? []
    this.#processes.set(id, processes)
    const process = { name: `${id}/${processes.length}`, sequence: 1 }
    const right = this.#chance(0.7)
    const request = this.#request(id, process.name)
    // One that was refused is no process of the member.
    if (right) processes.push(process)
    const more = this.#chance(0.1) ? 1 : 0
    return async side => {
      const replaces = (side.view?.members.get(id)?.incarnation ?? 0) + (right ? 0 : 1)
      return await this.#join(side, { ...request, incarnation: 0, sequence: 1, replaces, seen: side.epoch + more })
    }
  }

  #rejoin(id: string): Step {
    const stamp = this.#stamp(id)
    const request = this.#request(id, stamp.process)
    return async side => {
      const { incarnation, sequence } = stamp.on(side)
      return await this.#join(side, {
        ...request,
        incarnation: Math.max(1, incarnation),
        sequence,
        replaces: 0,
        seen: 0,
      })
    }
  }

  #repeatedJoin(id: string): Step {
    const stamp = this.#stamp(id)
    const request = this.#request(id, stamp.process)
    return side => this.#join(side, { ...request, incarnation: 0, sequence: stamp.sequence, replaces: 0, seen: 0 })
  }

  #request(id: string, process: string) {
    const zone = this.#pick([undefined, 'zone-1'])
    const address = this.#pick([undefined, 'http://"ä\u0001/:1'])
    return {
      id,
      zone,
      address,
      process,
      fingerprint: this.#pick(['', 'r1']),
      bucket: this.#chance(0.03) ? 'other' : 's3://b/',
    }
  }

  async #join(side: Side, request: JoinRequest) {
    const reply = await side.steps.join(request)
    if (reply.status !== 'joined') {
      // Of several members on another bucket, either store may name any.
      return { kind: `join ${reply.status}`, reply: reply.status }
    }
    await side.look()
    side.incarnations.set(request.process, reply.incarnation)
    const version = (await side.steps.heartbeats()).heartbeats.get(request.id)?.version ?? 0
    // A version that the advertised blocks of this member never had, whatever was forgotten in between.
    if (version < reply.epoch || version <= (side.versions.get(request.id) ?? 0)) throw new Error(`version ${version}`)
    side.versions.set(request.id, version)
    side.bases.set(request.id, version)
    const { incarnation, epoch, storeId } = reply
    return {
      kind: request.incarnation === 0 ? 'join' : 'rejoin',
      reply: { ...reply, incarnation: side.rank(incarnation), epoch: side.rank(epoch), storeId: side.store(storeId) },
    }
  }

  #heartbeat(id: string): Step {
    const stamp = this.#stamp(id)
    const told = this.#chance(0.9)
    const stats = this.#pick([
      undefined,
      { assigned: 1, serving: 2, pendingHandOff: 3, lastCopy: 4, failed: 5, bytes: 1_234_567_890_123_457 },
    ])
    const more = this.#chance(0.05) ? 1 : 0
    return async side => {
      const storeId = told ? (side.view?.storeId ?? '') : 'another'
      const reply = await side.steps.heartbeat(stamp.on(side), { storeId, stats, seen: side.epoch + more })
      await side.look()
      const { epoch } = reply
      return {
        kind: `heartbeat ${reply.status}`,
        reply: { ...reply, epoch: side.rank(epoch), storeId: side.store(reply.storeId) },
      }
    }
  }

  #leave(id: string): Step {
    const stamp = this.#stamp(id)
    return side => this.#plain(side, 'leave', steps => steps.leave(stamp.on(side)))
  }

  #serve(id: string): Step {
    const stamp = this.#stamp(id)
    const added = this.#some(BLOCKS, 12)
    const dropped = this.#some(BLOCKS, 3)
    return side => this.#plain(side, 'serve', steps => steps.serve(stamp.on(side), { added, dropped }))
  }

  #release(id: string): Step {
    const stamp = this.#stamp(id)
    const items = Array.from({ length: 1 + Math.floor(this.#random() * 6) }, (): ReleaseItem => {
      const block = this.#pick(BLOCKS)
      const superseding = this.#chance(0.6) ? block : this.#pick(BLOCKS)
      const targets = this.#chance(0.1) ? [id] : this.#some(IDS, 3).filter(target => target !== id || this.#chance(0.3))
      return { id: block, superseding, targets, quorum: this.#pick(['all', 'any'] as const) }
    })
    const guarded = items.map(() =>
      this.#chance(0.3) ? { slot: this.#pick(SLOTS), right: this.#chance(0.7) } : undefined,
    )
    const late = this.#chance(0.05)
    const freshMs = this.#chance(0.95) ? HUGE : 0
    return async side => {
      const decidedIn = late ? (side.epochs.at(-2) ?? 0) : side.epoch
      const slots = await side.slots()
      const withGuards = items.map((item, i) => {
        const precondition = guarded[i]
        if (!precondition) return item
        const holders = slots.filter(({ slot }) => slot === precondition.slot)
        return {
          ...item,
          precondition: { slot: precondition.slot, holders: precondition.right ? holders : holders.slice(1) },
        }
      })
      const reply = await side.steps.release(stamp.on(side), { decidedIn, freshMs, items: withGuards })
      const some = reply.status === 'ok' && reply.released.length > 0
      return { kind: `release ${reply.status}${some ? ' some' : ''}`, reply }
    }
  }

  #hold(id: string): Step {
    const stamp = this.#stamp(id)
    const all = SLOTS.flatMap(slot => [0, 1].map(rank => ({ slot, rank })))
    const [ranks, give] = [[...new Set([this.#pick(all), ...this.#some(all, 2)])], this.#chance(0.3)]
    const lags = this.#chance(0.6)
    const old = this.#chance(0.2) ? 1 + Math.floor(this.#random() * 4) : 0
    return async side => {
      const fence = await side.fence()
      const known = side.slotView
      const request = { ranks, fence: side.fences.at(-1 - old) ?? fence, give }
      const reply = await side.steps.hold(stamp.on(side), request)
      const read = await side.steps.slots(known?.mark)
      const after = slotsAfter(known, read)
      const all = slotsAfter(undefined, await side.steps.slots(undefined))
      if (recordsIn(after).join() !== recordsIn(all).join())
        throw new Error(`changes must lead on from what is known: ${recordsIn(after)}`)
      if (!lags) side.slotView = after
      const some = reply.status === 'ok' && (reply.recorded.length === 0 ? ' older' : give ? ' given' : '')
      return { kind: `hold ${reply.status}${some || ''}`, reply: [reply, read?.whole, read?.slots.length] }
    }
  }

  #publish(id: string): Step {
    const stamp = this.#stamp(id)
    const late = this.#chance(0.2)
    const text = this.#pick(['', 'one', 'two\n'])
    return side => {
      const decidedIn = late ? (side.epochs.at(-2) ?? 0) : side.epoch
      return this.#plain(side, 'publish', steps => steps.publishPlacement(stamp.on(side), { decidedIn, text }))
    }
  }

  #expire(id: string): Step {
    const [right, by] = [this.#chance(0.8), this.#pick(IDS)]
    const limit = { max: this.#pick([0, 3, 1000]), windowMs: this.#pick([0, HUGE, HUGE]) }
    return async side => {
      const heartbeat = (await side.steps.heartbeats()).heartbeats.get(id)
      const seen = { incarnation: heartbeat?.incarnation ?? 1, sequence: (heartbeat?.sequence ?? 1) - (right ? 0 : 1) }
      return await this.#plain(side, 'expire', steps => steps.expire(id, seen, limit, by))
    }
  }

  #settle(id: string): Step {
    const step = this.#pick(['evict', 'evict', 'forget'] as const)
    const right = this.#chance(0.8)
    return async side => {
      const changed = (side.view?.members.get(id)?.changed ?? 1) - (right ? 0 : 1)
      return await this.#plain(side, step, steps => steps[step](id, changed))
    }
  }

  #drain(id: string): Step {
    const on = this.#chance(0.4)
    return side => this.#plain(side, 'drain', steps => steps.drain(id, on))
  }

  #freeze(): Step {
    const on = this.#chance(0.25)
    return side => this.#plain(side, 'freeze', steps => steps.freeze(on))
  }

  async #plain(side: Side, kind: string, step: (steps: Steps) => unknown) {
    const reply = await step(side.steps)
    return { kind: `${kind} ${reply}`, reply }
  }

  /** Mostly the newest stamp of the latest process; now and then one of an older process, or an older one. */
  #stamp(id: string) {
    const processes = this.#processes.get(id) ?? []
    const process = this.#chance(0.9) ? processes.at(-1) : processes.at(-2)
    const late = this.#chance(0.07)
    const sequence = process ? (late ? process.sequence : process.sequence + 1) : ++this.#count
    if (process && !late) process.sequence = sequence
    const name = process?.name ?? `${id}/none`
    // Less than lies between two epochs of either side, which follow their clocks.
    const unknown = this.#chance(0.02) ? 7 : 0
    const on = (side: Side): Stamp => ({ id, incarnation: (side.incarnations.get(name) ?? 0) + unknown, sequence })
    return { process: name, sequence, on }
  }

  #some<T>(from: readonly T[], most: number): readonly T[] {
    const picked = Array.from({ length: Math.floor(this.#random() * (most + 1)) }, () => this.#pick(from))
    return [...new Set(picked)]
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  #chance(part: number): boolean {
    return this.#random() < part
  }
}
