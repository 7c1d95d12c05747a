/** A client under load: it asks all gateways for one metric of one block, side by side, and then for those of the next one. */
import { setTimeout as delay } from 'node:timers/promises'
import { samplesIn, streamedIn } from '../query/answers.ts'
import { request, uncompress } from '../query/requests.ts'
import { METRIC, summary } from './one-block.ts'
import { Questions, type Told } from './questions.ts'

/** Questions that are asked at once. */
const LANES = 2
const EVERY_MS = 100
const TIMEOUT_MS = 10_000
const [FROM, TO] = [0, 4_102_444_800_000]

export interface ClientOptions {
  /** How many there are: each has an external label `block`, its number. */
  readonly blocks: number
  /** The summary of what is in each of them. */
  readonly right: string
  readonly overlapMs: number
  /** Their ports. */
  readonly gateways: () => ReadonlyMap<string, number>
  /** Whether what a gateway served that crashed may still be away. */
  readonly crashed: () => boolean
  readonly onViolation: (text: string) => void
}

export class Client {
  readonly questions: Questions
  readonly #options: ClientOptions
  readonly #end = new AbortController()
  readonly #done: Promise<unknown>
  #next = 0
  /** Goes up where others are asked. */
  #cluster = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.questions = new Questions(options)
    this.#done = Promise.all(Array.from({ length: LANES }, () => this.#ask()))
  }

  /** Others are asked from now on; what is on its way counts for nothing. */
  forget(): void {
    this.#cluster++
    this.questions.forget()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#done
  }

  async #ask(): Promise<void> {
    const { gateways, crashed, blocks } = this.#options
    const { signal } = this.#end
    while (!signal.aborted) {
      // Neighbours are not asked one after the other: they may be of one gateway.
      const number = (this.#next++ * 7_919) % blocks
      const isStreamed = this.#next % 2 === 0
      const cluster = this.#cluster
      const from = performance.now()
      const before = crashed()
      const ports = [...gateways()]
      const told = await Promise.all(
        ports.map(async ([id, port]) => [id, await askOne(port, number, isStreamed)] as const),
      )
      const to = performance.now()
      if (signal.aborted) return
      if (ports.length > 0 && cluster === this.#cluster) {
        const isCrashed = before || crashed()
        this.questions.judge({ block: String(number), from, to, told: new Map(told), crashed: isCrashed })
      }
      await delay(EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }
}

async function askOne(port: number, block: number, isStreamed: boolean): Promise<Told> {
  const matchers = [
    [0, 'block', String(block)],
    [0, '__name__', METRIC],
  ] as const
  const body = request(matchers, FROM, TO, [isStreamed ? 1 : 0])
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/api/v1/read`, {
      method: 'POST',
      body: body as BodyInit,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  try {
    // A connection that was idle may end under the request.
    const response = await ask().catch(ask)
    if (response.status === 503) {
      await response.arrayBuffer()
      return { kind: 'refused' }
    }
    if (response.status !== 200) return { kind: 'failed', why: `${response.status} ${await response.text()}` }
    const bytes = new Uint8Array(await response.arrayBuffer())
    const series = isStreamed ? streamedIn(bytes, FROM, TO) : (samplesIn(uncompress(bytes))[0] ?? [])
    return { kind: 'answer', text: summary(series) }
  } catch {
    return { kind: 'away' }
  }
}
