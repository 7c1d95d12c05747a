/**
 * The trace of a change of the epoch. Who makes the change begins it; its place travels beside the epoch, and every member that sees
 * the new one says so in it. Traces of blocks that move because of it are linked to it.
 */
import { type Attributes, context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { tracer } from '../contracts/telemetry.ts'
import { spanContextOf, traceparentOf } from '../contracts/traceparent.ts'
import type { EntriesView } from './contract.ts'

export const EpochSpanName = { changed: 'epoch changed', seen: 'epoch seen' } as const

/** The allow-list, with what `release` says of a block. */
export const MemberAttribute = {
  instance: 'blockgate.instance.id',
  epoch: 'ownership.epoch',
  cause: 'ownership.epoch.cause',
  /** Members that are up. */
  members: 'ownership.members',
  /** Whose entry changed. */
  member: 'ownership.member',
  releaseStatus: 'ownership.release.status',
  releaseQuorum: 'ownership.release.quorum',
  releaseTargets: 'ownership.release.targets',
} as const

export interface EpochChange {
  readonly cause: string
  /** Whose entry changes; undefined where it is of the whole cluster. */
  readonly member?: string | undefined
  /** Who changes it; undefined for a command. */
  readonly by?: string | undefined
  /** ms since the epoch. Default: now. */
  readonly at?: number | undefined
}

/** Makes a step that may change the epoch, inside the trace of that. A step that changed nothing leaves none. */
export async function changeEpoch<T>(
  { cause, member, by, at }: EpochChange,
  step: (traceparent: string | undefined) => Promise<T>,
  isDone: (answer: T) => boolean,
  now: () => number | undefined = () => undefined,
): Promise<T> {
  const attributes: Attributes = { [MemberAttribute.cause]: cause }
  if (member !== undefined) attributes[MemberAttribute.member] = member
  if (by !== undefined) attributes[MemberAttribute.instance] = by
  const options = { attributes, ...(at !== undefined && { startTime: at }) }
  // What an operator does stands in the trace of the command.
  const outer = by === undefined ? context.active() : ROOT_CONTEXT
  const span = tracer().startSpan(EpochSpanName.changed, options, outer)
  const answer = await step(traceparentOf(span.spanContext()))
  if (isDone(answer)) span.end(now())
  return answer
}

/** A member has read the entries of a new epoch. */
export function tellEpochSeen(entries: EntriesView, by: string, now: number): void {
  const changed = spanContextOf(entries.trace)
  if (!changed) return
  const members = [...entries.members.values()].filter(({ state }) => state !== 'down').map(({ id }) => id)
  const attributes = {
    [MemberAttribute.epoch]: entries.epoch,
    [MemberAttribute.cause]: entries.cause,
    [MemberAttribute.members]: members,
    [MemberAttribute.instance]: by,
  }
  const outer = trace.setSpanContext(ROOT_CONTEXT, changed)
  tracer().startSpan(EpochSpanName.seen, { attributes, startTime: now }, outer).end(now)
}

/** What the release of a block says of it. */
export function tellRelease(span: Span | undefined, status: string, targets: readonly string[], quorum: string): void {
  span?.setAttributes({
    [MemberAttribute.releaseStatus]: status,
    [MemberAttribute.releaseQuorum]: quorum,
    [MemberAttribute.releaseTargets]: [...targets],
  })
}
