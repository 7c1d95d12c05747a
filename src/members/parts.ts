/** What a member has from start to stop, put together. */
import type { Host, Services } from '../contracts/host.ts'
import { StoreCalls } from './calls.ts'
import { Coalesced } from './coalesced.ts'
import type { MemberStore } from './contract.ts'
import { Heartbeating } from './heartbeating.ts'
import { Housekeeping } from './housekeeping.ts'
import { Knowledge, type KnowledgeOptions } from './knowledge.ts'
import { Liveness, type LivenessTimes, MISSED_BEATS } from './liveness.ts'
import { type Beside, Looking, type LookingDeps } from './looking.ts'
import type { Replica } from './replica.ts'
import type { Served } from './served.ts'
import { Session } from './session.ts'

export interface MembershipOptions extends KnowledgeOptions, LivenessTimes {
  readonly store: MemberStore
  /** What all members must agree on before anything is released. */
  readonly rules: string
  /** As in MemberEntry. */
  readonly address: string | undefined
  /** Of a plugin whose answers depend on more than the record. */
  readonly beside?: Beside | undefined
}

export interface Parts {
  readonly me: string
  readonly host: Host
  readonly calls: StoreCalls
  readonly knowledge: Knowledge
  readonly housekeeping: Housekeeping
  readonly looking: Looking
  readonly polls: Coalesced
  /** These three are undefined for an observer. */
  readonly session: Session | undefined
  readonly heartbeating: Heartbeating | undefined
  readonly heartbeats: Coalesced | undefined
}

export interface PartsEvents extends Pick<LookingDeps, 'onEpoch' | 'onLook'> {
  /** This process was lost by the store, or superseded. */
  readonly onSession: () => void
}

export function partsOf(
  services: Services,
  options: MembershipOptions,
  served: Served,
  replica: Replica,
  closed: AbortSignal,
  { onEpoch, onLook, onSession }: PartsEvents,
): Parts {
  const { host, instance, observer, bucket } = services
  const { store, heartbeatMs, expireAfterMs, address, rules } = options
  const me = instance.id
  // A third of what makes a member silent: one call that hangs does not cost its life.
  const calls = new StoreCalls(host, expireAfterMs / 3)
  const knowledge = new Knowledge(options, host)
  const housekeeping = new Housekeeping(store, calls, host, options)
  const session = observer ? undefined : new Session(me, nonce(host), onSession)
  const shared = { store, calls, host, closed }
  const looking = new Looking({
    ...shared,
    me: session ? me : '',
    session,
    knowledge,
    liveness: new Liveness(options),
    housekeeping,
    replica,
    beside: options.beside,
    freshMs: MISSED_BEATS * heartbeatMs,
    onEpoch,
    onLook,
    onDoubt: () => void heartbeats?.request(),
  })
  const polls = new Coalesced(async () => {
    if (await looking.look()) void polls.request()
  })
  const heartbeating =
    session &&
    new Heartbeating({
      ...shared,
      session,
      served,
      heartbeatMs,
      address,
      rules,
      zone: instance.zone,
      bucket: bucket.identity ?? '',
      onEpoch: epoch => {
        if (epoch !== knowledge.view?.epoch) void polls.request()
      },
    })
  const heartbeats = heartbeating && new Coalesced(() => heartbeating.heartbeatQuietly(host))
  return { me, host, calls, knowledge, housekeeping, looking, polls, session, heartbeating, heartbeats }
}

/** Unlike that of any other process of this id: the clock has moved since the last start, or chance decides. */
function nonce(host: Host): string {
  const parts = [host.now(), host.random() * 2 ** 32, host.random() * 2 ** 32]
  return parts.map(n => Math.floor(n).toString(36)).join('-')
}
