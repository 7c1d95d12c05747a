/** Spans of the steps of a store: https://opentelemetry.io/docs/specs/semconv/db/redis/. */
import { trace } from '@opentelemetry/api'
import type { Host } from 'blockgate'
import { outerOfRequest, StoreAttribute, type StoreRequest, tellRequest } from 'blockgate/members'
import { DISCONNECTED } from './failures.ts'
import type { Address, RedisClient } from './options.ts'

/** Steps that change who has what. The others come with every poll, or with every block, and are told only where they fail. */
const TOLD: ReadonlySet<string> = new Set(['join', 'leave', 'release', 'expire', 'evict', 'forget', 'drain', 'freeze'])

/** Writes that say how they went: anything but `ok` is told. */
const STAMPED: ReadonlySet<string> = new Set(['heartbeat', 'serve', 'hold'])

export class StepSpans {
  readonly #host: Host
  readonly #server: StoreRequest['attributes']
  /** The last step failed: of an outage only the first failure is told, and what happens inside another span. */
  #away = false

  constructor(address: Address | RedisClient, host: Host) {
    this.#host = host
    this.#server = serverAttributes(address)
  }

  /** Gives what `ask` gives. `script`: undefined for a command of Redis itself, which is `step`. */
  async around(step: string, script: string | undefined, ask: () => Promise<unknown>): Promise<unknown> {
    const started = this.#host.now()
    const outer = outerOfRequest()
    const tell = (more: Pick<StoreRequest, 'failure'>, status?: string) => {
      const attributes = {
        ...this.#server,
        [StoreAttribute.operation]: script === undefined ? step : 'EVALSHA',
        ...(script !== undefined && { [StoreAttribute.script]: script }),
        ...(status !== undefined && { [StoreAttribute.status]: status }),
        ...refusalOf(more.failure),
      }
      tellRequest({ name: `store.${step}`, started, ended: this.#host.now(), attributes, ...more }, outer)
    }
    try {
      const reply = await ask()
      this.#away = false
      const status = statusOf(reply)
      if (TOLD.has(step) || (STAMPED.has(step) && status !== 'ok')) tell({}, status)
      return reply
    } catch (error) {
      if (!this.#away || (TOLD.has(step) && trace.getSpan(outer)))
        tell({ failure: { error, type: failureType(error) } })
      this.#away = true
      throw error
    }
  }
}

/** Which server it is, of a connection. */
export function serverAttributes(address: Address | RedisClient): StoreRequest['attributes'] {
  const options: Readonly<Record<string, unknown>> = { ...('duplicate' in address ? address.options : address) }
  const { host, port, db, path, name } = options
  const place = path ?? name ?? host
  return {
    [StoreAttribute.system]: 'redis',
    ...(typeof place === 'string' && { [StoreAttribute.address]: place }),
    ...(place === host && typeof port === 'number' && { [StoreAttribute.port]: port }),
    ...(typeof db === 'number' && { [StoreAttribute.database]: String(db) }),
  }
}

/** A word for what Redis, or the connection to it, failed with: `READONLY`, `ECONNREFUSED`, `timeout`; `disconnected` where nobody knows why. */
export function failureType(error: unknown): string | undefined {
  const { name, message, code } = firstCause(error)
  if (name === 'ReplyError') return /^[A-Z]{2,20}\b/.exec(String(message))?.[0]
  if (message === 'Command timed out') return 'timeout'
  return code ?? (DISCONNECTED.test(String(message)) ? 'disconnected' : undefined)
}

/** What an error of ours comes of in the end. */
function firstCause(error: unknown): { readonly name?: unknown; readonly message?: unknown; readonly code?: string } {
  const cause: unknown = Object(error).cause
  return typeof cause === 'object' && cause !== null ? firstCause(cause) : Object(error)
}

/** The prefix of an error that Redis itself gave. */
function refusalOf(failure: StoreRequest['failure']): StoreRequest['attributes'] {
  const isReply = firstCause(failure?.error).name === 'ReplyError'
  return isReply && failure?.type !== undefined ? { [StoreAttribute.refusal]: failure.type } : {}
}

/** The word that a script answers first, or alone; undefined for answers that are no words. */
function statusOf(reply: unknown): string | undefined {
  const [first] = [reply].flat()
  return typeof first === 'string' && /^[a-z-]{2,20}$/.test(first) ? first : undefined
}
