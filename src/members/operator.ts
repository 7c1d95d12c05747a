/** The member store as operators see it: for a gateway, and for commands that run beside it. */
import type { Operator, RingMember } from '../contracts/ownership.ts'
import type { MemberStore } from './contract.ts'
import { changeEpoch } from './epoch-spans.ts'

const isAlways = (): boolean => true

/** A member may come up, or lose its place, between the read and the step. */
const ATTEMPTS = 3

/** What operators can do with `store`, once it has started. */
export function operatorOf(store: MemberStore): Operator {
  return {
    get unavailable() {
      return store.shared ? undefined : 'memoryStore() lives in the process that made it'
    },
    async ring() {
      const [entries, { heartbeats }] = await Promise.all([store.entries(), store.heartbeats()])
      const { epoch, cause, storeId, frozen } = entries
      const members = [...entries.members.values()].map((member): RingMember => {
        const { id, zone, address, state, placed, draining, incarnation, fingerprint } = member
        const heartbeat = heartbeats.get(id)
        const ready = state !== 'down' && heartbeat?.incarnation === incarnation && heartbeat.storeId === storeId
        const said = { ready, heartbeatAge: heartbeat?.age ?? Number.MAX_SAFE_INTEGER, stats: heartbeat?.stats }
        return { id, zone, address, state, placed, draining, incarnation, fingerprint, ...said }
      })
      members.sort((a, b) => (a.id < b.id ? -1 : 1))
      return { epoch, cause, storeId, frozen, members }
    },
    advertised: member => store.advertised(member),
    drain(member, on) {
      const change = { cause: `${member} ${on ? 'leaving' : 'active again'}`, member }
      return changeEpoch(
        change,
        trace => store.drain(member, on, trace),
        isKnown => isKnown,
      )
    },
    freeze: on => changeEpoch({ cause: on ? 'frozen' : 'thawed' }, trace => store.freeze(on, trace), isAlways),
    async forget(id) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const member = (await store.entries()).members.get(id)
        if (!member) return attempt === 1 ? 'unknown' : 'forgotten'
        if (member.state !== 'down') return 'alive'
        const change = { cause: `${id} forgotten`, member: id }
        if (
          await changeEpoch(
            change,
            trace => store.forget(id, member.changed, trace),
            isDone => isDone,
          )
        )
          return 'forgotten'
      }
      return 'alive'
    },
  }
}
