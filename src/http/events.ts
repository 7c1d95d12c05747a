/**
 * GET /api/v1/events: how the gateway is, as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * Each stream looks for itself, with timers of its own: on Workers a timer or a promise belongs to the request that made it. What
 * was looked at is plain data, which all streams share.
 */
import type { Context } from 'hono'
import type { Host } from '../contracts/host.ts'
import type { Gateway } from '../gateway.ts'
import type { RunReport } from '../sync/run-result.ts'
import { runAnswer } from './answers.ts'
import { HttpError } from './errors.ts'
import { statusOf } from './status.ts'

/** Between two looks, ms. */
const LOOK_MS = 1_000
/** A comment after so much silence, ms: proxies close what is silent for a minute. */
const HEARTBEAT_MS = 15_000
/** Events that are kept for a client that was away. */
const KEPT = 32
const MAX_CLIENTS = 32
/** A look that takes so long, ms, is not waited for any more. */
const GONE_MS = 30_000

interface Kept {
  readonly number: number
  readonly text: string
}

/** The events of one gateway. They cost nothing while nobody listens. */
export class Events {
  readonly #gateway: Gateway
  readonly #host: Host
  /** Another one in each process, so that no id of an earlier one seems known. */
  readonly #epoch: string
  /** `run` events, oldest first: a client must not miss one. Of `status` only the newest counts. */
  readonly #runs: Kept[] = []
  #status: Kept | undefined
  #body = ''
  #number = 0
  #lastRun: RunReport | undefined
  #lookedAt: number | undefined
  /** When the look that goes on began. */
  #looking: number | undefined
  #clients = 0

  constructor(gateway: Gateway, host: Host) {
    this.#gateway = gateway
    this.#host = host
    this.#epoch = `${host.now().toString(36)}${Math.floor(host.random() * 36 ** 4).toString(36)}`
    this.#lastRun = gateway.results.at(-1)
  }

  /** @throws HttpError 503 where too many listen, or the gateway is stopping */
  answer(c: Context): Response {
    if (this.#gateway.readiness.stopping) throw new HttpError(503, 'stopped', 'the gateway is stopping')
    if (this.#clients >= MAX_CLIENTS) {
      const message = `at most ${MAX_CLIENTS} clients may listen to events: close one of them`
      throw new HttpError(503, 'too-many-clients', message, { 'retry-after': '10' })
    }
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }
    return c.body(this.#stream(this.#after(c.req.header('last-event-id'))), 200, headers)
  }

  /** What a client that had `id` last has seen already; 0 is nothing. */
  #after(id: string | undefined): number {
    const [epoch, number] = (id ?? '').split('-')
    return epoch === this.#epoch && /^\d{1,15}$/.test(number ?? '') ? Math.min(Number(number), this.#number) : 0
  }

  #stream(after: number): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    const host = this.#host
    // Who comes anew is told how things are, and not what has been.
    let [seen, isNew] = after === 0 ? [this.#number, true] : [after, false]
    let silentSince = host.monotonic()
    let isOpen = true
    let timer: Disposable | undefined
    let wake = () => {}
    const close = () => {
      if (isOpen) this.#clients--
      isOpen = false
      timer?.[Symbol.dispose]()
      wake()
    }
    const untilNextLook = () =>
      new Promise<void>(resolve => {
        wake = resolve
        timer = host.setTimer(LOOK_MS, resolve)
      })
    /** Called when the client has taken what it was sent: one that is slow misses old states, and no queue grows. */
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      await this.#look()
      while (isOpen) {
        const isSilent = host.monotonic() - silentSince >= HEARTBEAT_MS
        const text = this.#since(seen, isNew) || (isSilent ? ': heartbeat\n\n' : '')
        isNew = false
        seen = this.#number
        if (text !== '') {
          silentSince = host.monotonic()
          controller.enqueue(encoder.encode(text))
        }
        if (this.#gateway.readiness.stopping) {
          close()
          controller.close()
          return
        }
        await untilNextLook()
        if (text !== '') return
        await this.#look()
      }
    }
    this.#clients++
    return new ReadableStream({ pull, cancel: close }, { highWaterMark: 1 })
  }

  /** The events behind `seen`, as they are sent; with `fresh` the status also where it is an old one. */
  #since(seen: number, fresh: boolean): string {
    const status = this.#status && (fresh || this.#status.number > seen) ? [this.#status] : []
    const all = [...this.#runs.filter(({ number }) => number > seen), ...status]
    return all
      .sort((a, b) => a.number - b.number)
      .map(({ text }) => text)
      .join('')
  }

  /** Takes down what is new. While one stream is at it, the others go on with what is there. */
  async #look(): Promise<void> {
    const now = this.#host.monotonic()
    // On Workers a look ends for ever with the request that it belongs to.
    if (this.#looking !== undefined && now - this.#looking < GONE_MS) return
    if (this.#lookedAt !== undefined && now - this.#lookedAt < LOOK_MS / 2) return
    this.#looking = this.#lookedAt = now
    try {
      const { results } = this.#gateway
      const before = this.#lastRun ? results.lastIndexOf(this.#lastRun) : -1
      for (const run of results.slice(before + 1)) this.#keep(run)
      const body = JSON.stringify(await statusOf(this.#gateway, this.#host))
      if (body === this.#body) return
      this.#body = body
      this.#status = this.#event('status', body)
    } finally {
      this.#looking = undefined
    }
  }

  #keep(run: RunReport): void {
    this.#lastRun = run
    this.#runs.push(this.#event('run', JSON.stringify(runAnswer(run))))
    if (this.#runs.length > KEPT) this.#runs.shift()
  }

  #event(name: string, data: string): Kept {
    const number = ++this.#number
    return { number, text: `event: ${name}\nid: ${this.#epoch}-${number}\ndata: ${data}\n\n` }
  }
}
