/** What goes wrong, and with which requests. Plans are seeded: the same requests meet the same faults in any order. */

export interface SeenRequest {
  readonly method: string
  /** With its query, as it came. */
  readonly path: string
  /** Which one of this method and path, from 1: 2 is its first repetition. */
  readonly time: number
  /** Which one of all, from 1. */
  readonly number: number
}

export type NetFault =
  /** The connection is reset; the store sees nothing of the request. */
  | { readonly kind: 'reset' }
  /** The proxy answers with this status itself, and closes the connection. */
  | { readonly kind: 'status'; readonly status: number }
  /** The connection closes after so many bytes of the answer's body. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** Nothing more comes after so many bytes of the answer's body; the connection stays open. */
  | { readonly kind: 'stall'; readonly after: number }

export type FaultPlan = (request: SeenRequest) => NetFault | undefined

/** Each request meets the fault with probability `p`; its own repetitions are drawn anew. */
export function chance(seed: number, p: number, fault: NetFault): FaultPlan {
  return ({ method, path, time }) => (draw(`${seed} ${method} ${path} ${time}`) < p ? fault : undefined)
}

/** `length` requests in a row meet the fault, then `pause` do not, and so on; it begins with the pause. */
export function burst(pause: number, length: number, fault: NetFault): FaultPlan {
  return ({ number }) => ((number - 1) % (pause + length) >= pause ? fault : undefined)
}

/** The n-th time that a request fits, and no other; `'every'` for all times. */
export function nth(n: number | 'every', fits: RegExp, fault: NetFault): FaultPlan {
  return ({ method, path, time }) =>
    fits.test(`${method} ${path}`) && (n === 'every' || n === time) ? fault : undefined
}

/** The first plan that has a fault for the request. */
export function firstOf(...plans: readonly FaultPlan[]): FaultPlan {
  return request => {
    for (const plan of plans) {
      const fault = plan(request)
      if (fault) return fault
    }
    return undefined
  }
}

/** A number in [0, 1) that is always the same for `text`: FNV-1a, then mixed, because similar texts must differ much. */
function draw(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296
}
