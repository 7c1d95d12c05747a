/** How a process becomes a member, and when it must not. */
import { sleep } from '../async/signals.ts'
import { BlockgateError, ErrorCode, OwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { StoreCalls } from './calls.ts'
import type { Beat, JoinReply, MemberRecord, MemberStore } from './contract.ts'
import type { Session } from './session.ts'

/** Others may join or leave between the reading and the joining; more often than this, another day. */
const ATTEMPTS = 5

export interface JoinDeps {
  readonly store: MemberStore
  readonly calls: StoreCalls
  readonly session: Session
  readonly host: Host
  readonly beatMs: number
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
  const { session, beatMs, host, closed } = deps
  const before = await mine(deps)
  if (!before.record) return 0
  // A join of this process whose answer was lost.
  if (before.record.process === session.process) return before.record.incarnation
  if (before.record.state === 'down' || !before.beat || before.beat.age >= 2 * beatMs) return before.record.incarnation
  await sleep(host, 1.5 * beatMs, closed)
  const after = await mine(deps)
  if (!after.record) return 0
  if (after.record.state !== 'down' && moved(before.beat, after.beat)) {
    throw new BlockgateError(
      ErrorCode.memberRefused,
      `instance.id must be of one process alone: another one is at work as "${session.id}"`,
    )
  }
  return after.record.incarnation
}

async function mine({ store, calls, session }: JoinDeps): Promise<{ record?: MemberRecord; beat?: Beat }> {
  const [record, beats] = await Promise.all([calls.make(() => store.record()), calls.make(() => store.beats())])
  session.see(record.epoch)
  const own = record.members.get(session.id)
  const beat = beats.beats.get(session.id)
  return { ...(own && { record: own }), ...(beat && { beat }) }
}

function moved(before: Beat, after: Beat | undefined): boolean {
  return after !== undefined && (after.incarnation !== before.incarnation || after.sequence !== before.sequence)
}

function otherBucket({ bucket }: JoinDeps, member: string, other: string): BlockgateError {
  return new BlockgateError(
    ErrorCode.memberRefused,
    `bucket must be the one of the other members: current value is ${bucket}, "${member}" has ${other}; where both lead to one bucket, give all members one \`identity\` (s3() has it as an option)`,
  )
}
