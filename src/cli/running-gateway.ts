/** What the gateway that runs with this config knows of a block. */
import * as v from 'valibot'
import type { BlockEvent } from '../catalogue/catalogue.ts'
import type { ListenAddress } from '../config/listen-address.ts'
import type { BlockId } from '../contracts/block.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Owner } from '../contracts/ownership.ts'
import { hostText } from './text.ts'

export interface Known {
  readonly url: string
  /** The last 20 events, oldest first. */
  readonly history: readonly BlockEvent[]
  /** By rank; null where it cannot know. */
  readonly owners: readonly Owner[] | null
}

/** Why there is no answer: one sentence without a final period. */
export interface Unknown {
  readonly problem: string
}

const TIMEOUT_MS = 3_000
const MAX_BYTES = 1024 * 1024

const ANSWER = v.object({
  history: v.array(
    v.object({
      at: v.number(),
      run: v.string(),
      kind: v.string(),
      by: v.string(),
      reason: v.string(),
      detail: v.optional(v.string()),
    }),
  ),
  owners: v.nullable(
    v.array(
      v.object({
        member: v.string(),
        rank: v.number(),
        target: v.boolean(),
        serves: v.boolean(),
        live: v.boolean(),
      }),
    ),
  ),
})

/** Asks at the address of the config. Never rejects. */
export async function askGateway(http: ListenAddress | undefined, id: BlockId, host: Host): Promise<Known | Unknown> {
  if (!http) return { problem: 'the config has no http address to ask a running gateway at' }
  if (http.port === 0)
    return { problem: 'the http port of the config is any free one: no running gateway can be asked' }
  const url = `http://${reachable(http.host)}:${http.port}`
  const late = new AbortController()
  const timer = host.setTimer(TIMEOUT_MS, () => late.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)))
  try {
    const response = await fetch(`${url}/api/v1/blocks/${id}`, { signal: late.signal, redirect: 'error' })
    if (response.status === 404) return { problem: `the gateway at ${url} has not seen the block` }
    if (!response.ok) return { problem: `${url} answers with ${response.status}` }
    const answer = v.safeParse(ANSWER, JSON.parse(await limitedText(response)))
    return answer.success ? { url, ...answer.output } : { problem: `what answers at ${url} is no gateway` }
  } catch (error) {
    return { problem: `no gateway answers at ${url}: ${reasonOf(error)}` }
  } finally {
    timer[Symbol.dispose]()
  }
}

/** Where a server that listens on every interface is reached from its own machine. */
function reachable(host: string | undefined): string {
  return host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : hostText(host)
}

async function limitedText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_BYTES) throw new Error(`the answer must have <= ${MAX_BYTES} bytes`)
  }
  return text
}

/** Of fetch, whose own message is `fetch failed`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return rawMessageOf(cause ?? error)
}
