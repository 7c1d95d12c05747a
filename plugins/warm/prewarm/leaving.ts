/** How likely it is that a member goes soon: from its state, from how late its heartbeat is, and from how often it went before. */
import type { Member } from 'blockgate'

/** Of a member that nothing speaks against. */
const BASE = 0.01
const MOST = 0.99
/** A heartbeat that takes longer than so many of the gaps that are usual for it is late. */
const LATE = 2
/** Until something is known of a member, ms. */
const USUAL_GAP = 3_000
/** The mean of the gaps forgets half with each. */
const NEW = 0.5
/** A member that was late, and is heard again, is suspected for so many of its gaps longer. */
const CALM = 2
/** Times it went are forgotten by half in a day. */
const HALF_LIFE = 86_400_000

interface Known {
  /** ms between its heartbeats. */
  gap: number
  age: number
  state: Member['state']
  chance: number
  /** On the monotonic clock. */
  until: number
  went: number
  at: number
}

export class Leaving {
  readonly #members = new Map<string, Known>()
  /** Grows when a chance did change. */
  version = 0

  /** To be called about once a second. `now`: ms of the monotonic clock. */
  look(members: readonly Member[], now: number): void {
    const there = new Set(members.map(({ id }) => id))
    for (const id of this.#members.keys()) if (!there.has(id)) this.#members.delete(id)
    for (const member of members) this.#see(member, now)
  }

  /** That the member goes soon, from 0 to 1. */
  chance(id: string): number {
    return this.#members.get(id)?.chance ?? BASE
  }

  /** Why it may be: for people. */
  why(id: string): string {
    const { state = 'active', chance = BASE } = this.#members.get(id) ?? {}
    if (state === 'down') return `${id} is down`
    if (state === 'leaving') return `${id} is leaving`
    return chance > BASE * 10 ? `the heartbeat of ${id} is late` : `${id} is well`
  }

  #see({ id, state, heartbeatAge }: Member, now: number): void {
    const isHeard = heartbeatAge < Number.MAX_SAFE_INTEGER
    const age = isHeard ? heartbeatAge : 0
    const known = this.#members.get(id)
    if (!known) {
      const fresh = { gap: USUAL_GAP, age, state, chance: BASE, until: now, went: 0, at: now }
      this.#members.set(id, fresh)
      this.#judge(fresh, now)
      return
    }
    known.went *= 0.5 ** ((now - known.at) / HALF_LIFE)
    known.at = now
    if (state === 'down' && known.state !== 'down') known.went++
    // One late heartbeat is not the usual one; many are.
    if (age < known.age) known.gap += (Math.min(Math.max(known.age, 500), LATE * known.gap) - known.gap) * NEW
    known.age = age
    known.state = state
    this.#judge(known, now)
  }

  #judge(known: Known, now: number): void {
    const { state, age, gap, went, chance } = known
    const base = Math.min(0.5, BASE * (1 + went))
    const late = age / gap - LATE
    let next = base
    if (state !== 'active') next = MOST
    else if (late > 0) next = Math.max(base, 1 - Math.exp(-late))
    if (state !== 'active' || late > 0) known.until = now + CALM * gap
    else if (now < known.until) next = Math.max(base, chance)
    known.chance = Math.min(MOST, next)
    // Small steps change no order that matters.
    if (Math.abs(Math.log(known.chance / chance)) > 0.3) this.version++
    else known.chance = chance
  }
}
