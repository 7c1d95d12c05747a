/** What a client may expect that asks all gateways the same: who answers gives all of it, and somebody answers. */

/** Of one gateway. */
export type Told =
  /** The text says all that is in it: equal answers have equal texts. */
  | { readonly kind: 'answer'; readonly text: string }
  /** 503: not all that was asked for is here. */
  | { readonly kind: 'refused' }
  /** The gateway could not be reached, or ended meanwhile. */
  | { readonly kind: 'away' }
  /** Any other status. */
  | { readonly kind: 'failed'; readonly why: string }

/** One question, asked of all gateways side by side. */
export interface Round {
  readonly block: string
  /** ms of one clock. */
  readonly from: number
  readonly to: number
  readonly told: ReadonlyMap<string, Told>
  /** A gateway has crashed so shortly before that its blocks may be away. */
  readonly crashed: boolean
}

export interface QuestionsOptions {
  /** The text of every right answer. */
  readonly right: string
  /** For how long at least old and new server of a block both serve it: who asks all of them within that meets one. */
  readonly overlapMs: number
  readonly onViolation: (text: string) => void
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #answered = new Set<string>()
  #allServed = false
  rounds = 0
  answers = 0
  /** Answers that were not all of it. */
  short = 0
  /** Rounds without an answer. */
  unanswered = 0
  /** Rounds without one that were slow, or shortly after a crash. */
  unsure = 0

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Other gateways are asked from now on, which need not have what those before had. */
  forget(): void {
    this.#answered.clear()
    this.#allServed = false
  }

  /** Every block was served: from now on each question must be answered. Before, only those about blocks that were answered once. */
  served(): void {
    this.#allServed = true
  }

  judge({ block, from, to, told, crashed }: Round): void {
    const { right, overlapMs, onViolation } = this.#options
    this.rounds++
    let isAnswered = false
    for (const [gateway, each] of told) {
      if (each.kind === 'failed') onViolation(`${gateway} must answer or refuse to, for ${block}: ${each.why}`)
      if (each.kind !== 'answer') continue
      isAnswered = true
      this.answers++
      if (each.text === right) continue
      this.short++
      onViolation(`${gateway} gave a short answer for ${block}: ${each.text}, and not ${right}`)
    }
    if (isAnswered) this.#answered.add(block)
    else if (crashed || to - from >= overlapMs) this.unsure++
    else if (this.#allServed || this.#answered.has(block)) {
      this.unanswered++
      const how = [...told].map(([gateway, { kind }]) => `${gateway} ${kind}`).join(', ')
      onViolation(`nobody answered for ${block} within ${Math.round(to - from)} ms: ${how}`)
    }
  }
}
