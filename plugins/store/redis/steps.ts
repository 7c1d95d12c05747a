/** The steps of a MemberStore as calls of scripts, and what these answer: Redis is another process, so answers are checked. */
import { type BlockId, BlockSet, type Host, inSlices, isBlockId, OwnershipUnavailable } from 'blockgate'
import {
  assertBlockIds,
  assertHold,
  assertJoin,
  assertMemberId,
  assertPlacement,
  assertRelease,
  assertSeen,
  assertStamp,
  isTraceparent,
  type ReleaseItem,
  type SlotMark,
  type SlotStore,
  type SlotView,
  type Stamp,
} from 'blockgate/members'
import type { Argument, Script } from './connection.ts'
import { epochOf, heartbeatsOf, membersOf, slotsOf } from './entries.ts'
import type { Keys } from './keys.ts'
import * as blocks from './scripts/blocks.ts'
import * as members from './scripts/members.ts'
import * as slots from './scripts/slots.ts'

export const SCRIPTS: readonly Script[] = [members, blocks, slots].flatMap(scripts => Object.values(scripts))

/** Runs a script: `keys` beside those that every script has, `args` behind the channel. */
export type Run = (script: Script, keys: readonly string[], args: readonly Argument[]) => Promise<unknown>

/** Sends one command of Redis itself. */
export type Call = (command: string, ...args: string[]) => Promise<unknown>

type Steps = Omit<SlotStore, 'name' | 'shared' | 'cluster' | 'options' | 'check' | 'start' | 'stop' | 'watch' | 'needs'>

const WRITTEN = ['ok', 'missing', 'superseded', 'stale'] as const

/** Blocks that are asked for at once: some 160 kB. All of a large member's would not come within the timeout of a command. */
const SCAN = 5_000

/**
 * @param host gives the host once the store was started
 * @param connections how many connections there were so far
 */
export function redisSteps(
  run: Run,
  call: Call,
  keys: Keys,
  host: () => Host | undefined,
  connections: () => number = () => 0,
): Steps {
  /** For the scripts that answer whether they did it. */
  const done = async (script: Script, id: string, args: readonly Argument[], own: readonly string[] = []) => {
    assertMemberId(id)
    return flag(await run(script, own, [id, ...args]))
  }
  const readSlots = async (since: SlotMark | undefined): Promise<SlotView | undefined> => {
    const [mark = '', all, ...flat] = texts(await run(slots.readSlots, keys.slots, [since ?? '']))
    if (all === undefined && mark === since) return undefined
    const whole = flag(all)
    const { entries, broken } = slotsOf(flat)
    // What is gone, or nobody can read, is no change that could be told.
    if (!whole && broken > 0) return await readSlots(undefined)
    const version = epochOf(mark.split(' ', 1)[0])
    const told = { whole, slots: [...entries.values()] }
    if (version === undefined) return { version: 0, mark: '', ...told, broken: broken + 1 }
    return { version, mark, ...told, broken }
  }
  return {
    async join({ id, zone, address, process, fingerprint, bucket, incarnation, sequence, replaces, seen, trace = '' }) {
      assertJoin({ id, zone, address, process, fingerprint, bucket, incarnation, sequence, replaces, seen })
      const said = JSON.stringify({ zone, address, process, fingerprint, bucket })
      const args = [id, said, incarnation, sequence, replaces, seen, trace]
      const reply = texts(await run(members.join, [keys.advertised(id)], args))
      const status = oneOf(reply[0], ['joined', 'moved', 'superseded', 'stale', 'other-bucket'] as const)
      if (status === 'other-bucket') return { status, member: text(reply[1]), bucket: text(reply[2]) }
      if (status !== 'joined') return { status }
      const [given, raised, storeId, draining] = reply.slice(1)
      return {
        status,
        incarnation: epoch(given),
        epoch: epoch(raised),
        storeId: text(storeId),
        draining: flag(draining),
      }
    },
    async heartbeat(stamp, { storeId, stats, seen }) {
      assertStamp(stamp)
      assertSeen(seen)
      const said = stats === undefined ? '' : JSON.stringify(stats)
      const reply = texts(await run(members.heartbeat, [], [...stampOf(stamp), storeId, said, seen]))
      const status = oneOf(reply[0], [...WRITTEN, 'down'] as const)
      return { status, epoch: epoch(reply[1]), storeId: text(reply[2]), frozen: flag(reply[3]) }
    },
    async leave(stamp, trace = '') {
      assertStamp(stamp)
      return oneOf(await run(members.leave, [keys.advertised(stamp.id)], [...stampOf(stamp), trace]), WRITTEN)
    },
    async serve(stamp, { added, dropped }) {
      assertStamp(stamp)
      assertBlockIds(added, dropped)
      const args = [...stampOf(stamp), dropped.length, ...dropped, ...added]
      return oneOf(await run(blocks.serve, [keys.advertised(stamp.id)], args), WRITTEN)
    },
    async release(stamp, request) {
      assertStamp(stamp)
      assertRelease(request)
      const { decidedIn, freshMs, items } = request
      const targets = [...new Set(items.flatMap(item => item.targets))]
      const args = [...stampOf(stamp), decidedIn, freshMs, targets.length, ...targets, ...itemsOf(items, targets)]
      const reply = texts(
        await run(blocks.release, [...[stamp.id, ...targets].map(keys.advertised), keys.slots[0]], args),
      )
      const status = oneOf(reply[0], [...WRITTEN, 'epoch', 'frozen'] as const)
      return status === 'ok' ? { status, released: reply.slice(1).filter(isBlockId) } : { status }
    },
    /** No script: through Lua, as many ids as a member has take Redis two to four times as long. */
    async advertised(id) {
      const ids = new BlockSet()
      const connection = connections()
      let cursor = '0'
      do {
        const reply = await call('SSCAN', keys.advertised(id), cursor, 'COUNT', String(SCAN))
        const [next, part] = Array.isArray(reply) ? reply : []
        // A cursor of one server says nothing to the one that has taken its place.
        if (connections() !== connection)
          throw new OwnershipUnavailable('the connection to Redis broke', { at: 'redis' })
        cursor = text(next)
        await inSlices(host(), texts(part), block => isBlockId(block) && ids.add(block))
      } while (cursor !== '0')
      return ids
    },
    async expire(id, seen, { max, windowMs }, by, trace = '') {
      assertMemberId(id)
      assertMemberId(by)
      const args = [id, seen.incarnation, seen.sequence, max, windowMs, by, trace]
      return oneOf(await run(members.expire, [keys.expiries], args), ['expired', 'moved', 'refused', 'gone'] as const)
    },
    evict: async (id, changed, trace = '') => await done(members.evict, id, [changed, trace]),
    forget: async (id, changed, trace = '') => await done(members.forget, id, [changed, trace], [keys.advertised(id)]),
    drain: async (id, on, trace = '') => await done(members.drain, id, [on ? '1' : '0', trace]),
    async freeze(on, trace = '') {
      oneOf(await run(members.freeze, [], [on ? '1' : '0', trace]), ['ok'] as const)
    },
    async tellTraces(traces) {
      assertBlockIds([...traces.keys()])
      const told = [...traces].filter(([, trace]) => isTraceparent(trace)).flat()
      if (told.length > 0) oneOf(await run(blocks.tellTraces, [keys.traces], told), ['ok'] as const)
    },
    async traces(ids) {
      assertBlockIds(ids)
      const traces = new Map<BlockId, string>()
      if (ids.length === 0) return traces
      const reply = await call('HMGET', keys.traces, ...ids)
      for (const [i, trace] of (Array.isArray(reply) ? reply : []).entries()) {
        const id = ids[i]
        if (id !== undefined && isTraceparent(trace)) traces.set(id, trace)
      }
      return traces
    },
    async publishPlacement(stamp, request) {
      assertStamp(stamp)
      assertPlacement(request)
      const args = [...stampOf(stamp), request.decidedIn, request.text, request.trace ?? '']
      return oneOf(await run(members.publishPlacement, [], args), [...WRITTEN, 'epoch', 'frozen'] as const)
    },
    async entries(known) {
      const reply = texts(await run(members.readEntries, [], [known ?? '']))
      const [at, storeId, frozen, cause, told, version, placed, ...flat] = reply
      const { entries, broken } = membersOf(flat)
      const published = epochOf(version)
      const placement = published && { version: published, text: published === known ? undefined : text(placed) }
      // For people: another text is none.
      const trace = isTraceparent(told) ? told : undefined
      const view = { storeId: text(storeId), frozen: flag(frozen), cause: text(cause), trace, members: entries }
      return { ...view, placement: placement || undefined, ...counted(at, broken) }
    },
    async heartbeats() {
      const [at, storeId, frozen, now, ...flat] = texts(await run(members.readHeartbeats, [], []))
      const { entries, broken } = heartbeatsOf(flat, epoch(now))
      return { storeId: text(storeId), frozen: flag(frozen), heartbeats: entries, ...counted(at, broken) }
    },
    fence: async () => epoch(await run(slots.fence, [], [])),
    async hold(stamp, request) {
      assertStamp(stamp)
      assertHold(request)
      const { ranks, fence, give } = request
      const byField = new Map(ranks.map(rank => [`${rank.slot}/${rank.rank}`, rank]))
      const args = [...stampOf(stamp), fence, give ? '1' : '0', ...byField.keys()]
      const [said, ...fields] = texts(await run(slots.hold, keys.slots, args))
      const status = oneOf(said, [...WRITTEN, 'older'] as const)
      if (status !== 'ok' && status !== 'older') return { status }
      return { status: 'ok', recorded: fields.map(field => byField.get(field)).filter(rank => rank !== undefined) }
    },
    slots: readSlots,
  }
}

/** The items of a release as its script reads them. */
function itemsOf(items: readonly ReleaseItem[], targets: readonly string[]): readonly Argument[] {
  const place = new Map(targets.map((target, i) => [target, i + 1]))
  return items.flatMap(item => {
    const { slot = 0, holders } = item.precondition ?? {}
    const precondition = holders && [slot, ...holders.flatMap(({ rank, fence, holder }) => [rank, fence, holder])]
    const asked = item.targets.map(target => place.get(target) as number)
    return [
      item.id,
      item.superseding,
      item.quorum,
      asked.length,
      ...asked,
      holders?.length ?? -1,
      ...(precondition ?? []),
    ]
  })
}

/** An epoch that somebody broke counts as none at all: the next change starts from the clock again. */
function counted(at: unknown, broken: number): { readonly epoch: number; readonly broken: number } {
  const known = epochOf(at)
  return known === undefined ? { epoch: 0, broken: broken + 1 } : { epoch: known, broken }
}

function stampOf({ id, incarnation, sequence }: Stamp): readonly Argument[] {
  return [id, incarnation, sequence]
}

function texts(reply: unknown): readonly string[] {
  if (Array.isArray(reply) && reply.every(value => typeof value === 'string')) return reply
  throw strange(reply)
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw strange(value)
}

function flag(value: unknown): boolean {
  return oneOf(value, ['0', '1'] as const) === '1'
}

function epoch(value: unknown): number {
  const known = epochOf(value)
  if (known !== undefined) return known
  throw strange(value)
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find(each => each === value)
  if (found !== undefined) return found
  throw strange(value)
}

function strange(reply: unknown): OwnershipUnavailable {
  const shown = JSON.stringify(reply)?.slice(0, 64)
  return new OwnershipUnavailable(`Redis gave an answer that no script of blockgate gives: ${shown}`, { at: 'redis' })
}
