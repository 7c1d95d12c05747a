/** What a listing cannot read is named in the log once, not in every run. */
import { type Log, rawMessageOf, type UnreadableKey } from 'blockgate'

/** Keys that are remembered, and so named: who has more has one cause for them. */
const MOST = 1000

export interface NamedOnce {
  /** One look at the bucket. */
  inRun(): {
    tell(at: UnreadableKey): void
    /** The look is through: what it did not tell can be read again, and is named if that ends. */
    forgetOthers(): void
  }
}

export function namedOnce(log: Log): NamedOnce {
  const named = new Set<string>()
  return {
    inRun() {
      const seen = new Set<string>()
      return {
        tell({ key, error }) {
          if (!named.has(key)) {
            if (named.size >= MOST) return
            named.add(key)
            log.warn('a part of the bucket cannot be read: it is left out, and the rest goes on', {
              key,
              error: rawMessageOf(error),
            })
          }
          seen.add(key)
        },
        forgetOthers() {
          for (const key of named) if (!seen.has(key)) named.delete(key)
        },
      }
    },
  }
}
