/** The steps of a MemberStore as calls of scripts, and what these answer: Redis is another process, so answers are checked. */
import { type BlockId, type Host, inSlices, isBlockId, OwnershipUnavailable } from 'blockgate'
import type {
  EntriesView,
  ExpireLimit,
  Fence,
  HeartbeatReply,
  HeartbeatRequest,
  HeartbeatView,
  HoldRequest,
  JoinReply,
  JoinRequest,
  ReleaseItem,
  ReleaseReply,
  ReleaseRequest,
  SlotView,
  Stamp,
  WriteStatus,
} from 'blockgate/members'
import type { Argument, Script } from './connection.ts'
import { epochOf, heartbeatsOf, type Parsed, recordsOf, slotsOf } from './entries.ts'
import type { Keys } from './keys.ts'
import { expire as expireScript } from './scripts/expire.ts'
import { heartbeat as heartbeatScript } from './scripts/heartbeat.ts'
import { join as joinScript } from './scripts/join.ts'
import { leave as leaveScript } from './scripts/leave.ts'
import { drain, freeze } from './scripts/operate.ts'
import { readHeartbeats, readRecords } from './scripts/read.ts'
import { release as releaseScript } from './scripts/release.ts'
import { serve as serveScript } from './scripts/serve.ts'
import { evict, forget } from './scripts/settle.ts'
import { fence as fenceScript, hold as holdScript, readSlots } from './scripts/slots.ts'

export const SCRIPTS: readonly Script[] = [
  joinScript,
  heartbeatScript,
  leaveScript,
  serveScript,
  releaseScript,
  expireScript,
  evict,
  forget,
  drain,
  freeze,
  readRecords,
  readHeartbeats,
  fenceScript,
  holdScript,
  readSlots,
]

/** Runs a script: `keys` beside those that every script has, `args` behind the channel. */
export type Run = (script: Script, keys: readonly string[], args: readonly Argument[]) => Promise<unknown>

/** Sends one command of Redis itself. */
export type Call = (command: string, ...args: string[]) => Promise<unknown>

const WRITTEN = ['ok', 'missing', 'superseded', 'stale'] as const

export async function join(run: Run, keys: Keys, request: JoinRequest): Promise<JoinReply> {
  const { id, zone, address, process, rules, bucket, incarnation, sequence, replaces, seen } = request
  const said = JSON.stringify({ zone, address, process, rules, bucket })
  const reply = texts(await run(joinScript, [keys.claims(id)], [id, said, incarnation, sequence, replaces, seen]))
  const status = oneOf(reply[0], ['joined', 'moved', 'superseded', 'stale', 'other-bucket'] as const)
  if (status === 'other-bucket') return { status, member: text(reply[1]), bucket: text(reply[2]) }
  if (status !== 'joined') return { status }
  return {
    status,
    incarnation: epoch(reply[1]),
    epoch: epoch(reply[2]),
    storeId: text(reply[3]),
    draining: flag(reply[4]),
  }
}

export async function heartbeat(
  run: Run,
  stamp: Stamp,
  { storeId, stats, seen }: HeartbeatRequest,
): Promise<HeartbeatReply> {
  const said = stats === undefined ? '' : JSON.stringify(stats)
  const reply = texts(await run(heartbeatScript, [], [...stampOf(stamp), storeId, said, seen]))
  return {
    status: oneOf(reply[0], [...WRITTEN, 'down'] as const),
    epoch: epoch(reply[1]),
    storeId: text(reply[2]),
    frozen: flag(reply[3]),
  }
}

export async function leave(run: Run, keys: Keys, stamp: Stamp): Promise<WriteStatus> {
  return oneOf(await run(leaveScript, [keys.claims(stamp.id)], stampOf(stamp)), WRITTEN)
}

export async function serve(
  run: Run,
  keys: Keys,
  stamp: Stamp,
  { added, dropped }: { readonly added: readonly BlockId[]; readonly dropped: readonly BlockId[] },
): Promise<WriteStatus> {
  const args = [...stampOf(stamp), dropped.length, ...dropped, ...added]
  return oneOf(await run(serveScript, [keys.claims(stamp.id)], args), WRITTEN)
}

export async function release(run: Run, keys: Keys, stamp: Stamp, request: ReleaseRequest): Promise<ReleaseReply> {
  const { decidedIn, freshMs, items } = request
  const targets = [...new Set(items.flatMap(item => item.targets))]
  const place = new Map(targets.map((target, i) => [target, i + 1]))
  const asked = items.flatMap(item => [
    item.id,
    item.superseding,
    item.quorum,
    item.targets.length,
    ...item.targets.map(target => place.get(target) as number),
    ...guarded(item),
  ])
  const args = [...stampOf(stamp), decidedIn, freshMs, targets.length, ...targets, ...asked]
  const reply = texts(await run(releaseScript, [...[stamp.id, ...targets].map(keys.claims), keys.slots], args))
  const status = oneOf(reply[0], [...WRITTEN, 'epoch', 'frozen'] as const)
  return status === 'ok' ? { status, released: reply.slice(1).filter(isBlockId) } : { status }
}

function guarded({ precondition }: ReleaseItem): readonly Argument[] {
  if (!precondition) return [-1]
  const { slot, holders } = precondition
  return [holders.length, slot, ...holders.flatMap(({ rank, fence, holder }) => [rank, fence, holder])]
}

export async function fence(run: Run): Promise<Fence> {
  return epoch(await run(fenceScript, [], []))
}

export async function hold(run: Run, keys: Keys, stamp: Stamp, request: HoldRequest): Promise<WriteStatus | 'older'> {
  const { slot, rank, fence, give } = request
  const args = [...stampOf(stamp), slot, rank, fence, give ? '1' : '0']
  return oneOf(await run(holdScript, [keys.slots], args), [...WRITTEN, 'older'] as const)
}

export async function slots(run: Run, keys: Keys, known: number | undefined): Promise<SlotView | undefined> {
  const [at, ...flat] = texts(await run(readSlots, [keys.slots], [known ?? '']))
  const version = epochOf(at)
  if (version !== undefined && version === known) return undefined
  const { entries, broken } = slotsOf(flat)
  return { version: version ?? 0, slots: [...entries.values()], broken: broken + (version === undefined ? 1 : 0) }
}

/** No script: through Lua, as many ids as a member has take Redis two to four times as long. */
export async function claims(
  host: Host | undefined,
  call: Call,
  keys: Keys,
  id: string,
): Promise<ReadonlySet<BlockId>> {
  const ids = new Set<BlockId>()
  await inSlices(host, texts(await call('SMEMBERS', keys.claims(id))), text => isBlockId(text) && ids.add(text))
  return ids
}

export async function expire(
  run: Run,
  keys: Keys,
  id: string,
  seen: { readonly incarnation: number; readonly sequence: number },
  { max, windowMs }: ExpireLimit,
  by: string,
): Promise<'expired' | 'moved' | 'refused' | 'gone'> {
  const reply = await run(expireScript, [keys.expiries], [id, seen.incarnation, seen.sequence, max, windowMs, by])
  return oneOf(reply, ['expired', 'moved', 'refused', 'gone'] as const)
}

/** For the scripts that answer whether they did it. */
export async function done(
  run: Run,
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<boolean> {
  return flag(await run(script, keys, args))
}

export async function setFrozen(run: Run, on: boolean): Promise<void> {
  oneOf(await run(freeze, [], [on ? '1' : '0']), ['ok'] as const)
}

export async function record(run: Run): Promise<EntriesView> {
  const [at, storeId, frozen, cause, ...flat] = texts(await run(readRecords, [], []))
  const { entries, broken } = recordsOf(flat)
  const view = { storeId: text(storeId), frozen: flag(frozen), cause: text(cause), members: entries }
  return { ...view, ...counted(at, broken) }
}

export async function heartbeats(run: Run): Promise<HeartbeatView> {
  const [at, storeId, frozen, now, ...flat] = texts(await run(readHeartbeats, [], []))
  const { entries, broken }: Parsed<HeartbeatView['heartbeats'] extends ReadonlyMap<string, infer B> ? B : never> =
    heartbeatsOf(flat, epoch(now))
  return { storeId: text(storeId), frozen: flag(frozen), heartbeats: entries, ...counted(at, broken) }
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
  return new OwnershipUnavailable(`Redis must answer what the script answers: current value is ${shown}`, {
    at: 'redis',
  })
}
