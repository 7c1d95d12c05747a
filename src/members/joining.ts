/** How a process becomes a member, and when it must not. */
import { sleep } from '../async/signals.ts'
import { BlockgateError, ErrorCode, OwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { StoreCalls } from './calls.ts'
import type { Heartbeat, JoinReply, MemberEntry, MemberStore } from './contract.ts'
import type { Session } from './session.ts'

/** Others may join or leave between the reading and the joining; more often than this, another day. */
const ATTEMPTS = 5

export interface JoinDeps {
  readonly store: MemberStore
  readonly calls: StoreCalls
  readonly session: Session
  readonly host: Host
  readonly heartbeatMs: number
  readonly zone: string | undefined
  readonly address: string | undefined
  readonly rules: string
  readonly bucket: string
  /** Ends the waiting. */
  readonly closed: AbortSignal
}

export type Joined = Extract<JoinReply, { status: 'joined' }>

/**
 * Joins, or comes back, inside a turn of the session. `superseded` is no error: the session has it.
 * @throws BlockgateError `member-refused` where another process lives under the id, or works on another bucket
 * @throws OwnershipUnavailable where it must be tried again later
 */
export async function join(deps: JoinDeps): Promise<Joined | undefined> {
  const { store, calls, session } = deps
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const replaces = session.incarnation === 0 ? await replaced(deps) : 0
    const { zone, address, rules, bucket } = deps
    const reply = await calls.make(() =>
      store.join({
        id: session.id,
        process: session.process,
        zone,
        address,
        rules,
        bucket,
        incarnation: session.incarnation,
        sequence: session.nextSequence(),
        replaces,
        seen: session.seen,
      }),
    )
    if (reply.status === 'joined') {
      session.welcome(reply.incarnation)
      session.see(reply.epoch)
      return reply
    }
    if (reply.status === 'superseded') {
      session.supersede()
      return undefined
    }
    if (reply.status === 'other-bucket') throw otherBucket(deps, reply.member, reply.bucket)
  }
  throw new OwnershipUnavailable('the record of this member does not rest')
}

/** The incarnation of the record that a first join takes the place of; 0 for none. Waits until nobody lives in it. */
async function replaced(deps: JoinDeps): Promise<number> {
  const { session, heartbeatMs, host, closed } = deps
  const before = await mine(deps)
  if (!before.record) return 0
  // A join of this process whose answer was lost.
  if (before.record.process === session.process) return before.record.incarnation
  if (before.record.state === 'down' || !before.heartbeat || before.heartbeat.age >= 2 * heartbeatMs)
    return before.record.incarnation
  await sleep(host, 1.5 * heartbeatMs, closed)
  const after = await mine(deps)
  if (!after.record) return 0
  if (after.record.state !== 'down' && moved(before.heartbeat, after.heartbeat)) {
    throw new BlockgateError(
      ErrorCode.memberRefused,
      `instance.id must be of one process alone: another one is at work as "${session.id}"`,
    )
  }
  return after.record.incarnation
}

async function mine({ store, calls, session }: JoinDeps): Promise<{ record?: MemberEntry; heartbeat?: Heartbeat }> {
  const [record, heartbeats] = await Promise.all([
    calls.make(() => store.entries()),
    calls.make(() => store.heartbeats()),
  ])
  session.see(record.epoch)
  const own = record.members.get(session.id)
  const heartbeat = heartbeats.heartbeats.get(session.id)
  return { ...(own && { record: own }), ...(heartbeat && { heartbeat }) }
}

function moved(before: Heartbeat, after: Heartbeat | undefined): boolean {
  return after !== undefined && (after.incarnation !== before.incarnation || after.sequence !== before.sequence)
}

function otherBucket({ bucket }: JoinDeps, member: string, other: string): BlockgateError {
  return new BlockgateError(
    ErrorCode.memberRefused,
    `bucket must be the one of the other members: current value is ${bucket}, "${member}" has ${other}; where both lead to one bucket, give all members one \`identity\` (s3() has it as an option)`,
  )
}
