/** What the gateway that runs with this config knows of a block. */
import * as v from 'valibot'
import type { ResolvedConfig } from '../config/config.ts'
import type { BlockId } from '../contracts/block.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Owner as BlockOwner } from '../contracts/ownership.ts'
import { limitedBytes } from '../http/requests.ts'
import { Event, Owner } from '../http/schema/answers.ts'
import { hostText } from './text.ts'

export interface Known {
  readonly url: string
  /** The last 20 events, oldest first. */
  readonly history: readonly Event[]
  /** By rank; null where it cannot know. */
  readonly owners: readonly BlockOwner[] | null
  /** Why the block is loaded ahead; null, or left out by an older gateway, where it is not. */
  readonly warm?: { readonly why: string } | null | undefined
}

/** Why there is no answer: one sentence without a final period. */
export interface Unknown {
  readonly problem: string
}

const TIMEOUT_MS = 3_000
const MAX_BYTES = 1024 * 1024
const ANSWER = v.object({
  history: v.array(Event),
  owners: v.nullable(v.array(Owner)),
  warm: v.nullish(v.object({ why: v.string() })),
})

/** Asks at the address of the config. Never rejects. */
export async function askGateway(
  { http, readToken }: Pick<ResolvedConfig, 'http' | 'readToken'>,
  id: BlockId,
  host: Host,
): Promise<Known | Unknown> {
  if (!http) return { problem: 'the config has no http address to ask a running gateway at' }
  if (http.port === 0) return { problem: 'the config has http port 0, any free one: no running gateway can be asked' }
  const url = `http://${reachable(http.host)}:${http.port}`
  const late = new AbortController()
  const timer = host.setTimer(TIMEOUT_MS, () => late.abort(new Error(`timed out after ${TIMEOUT_MS / 1000} s`)))
  try {
    const response = await fetch(`${url}/api/v1/blocks/${id}`, {
      signal: late.signal,
      redirect: 'error',
      ...(readToken !== undefined && { headers: { authorization: `Bearer ${readToken}` } }),
    })
    if (response.status === 404) return { problem: `the gateway at ${url} has not seen the block` }
    if (!response.ok) return { problem: `${url} answers with ${response.status}` }
    const bytes = await limitedBytes(response.body, MAX_BYTES)
    if (!bytes) return { problem: `the answer of ${url} has more than ${MAX_BYTES} bytes` }
    const answer = v.safeParse(ANSWER, JSON.parse(new TextDecoder().decode(bytes)))
    return answer.success ? { url, ...answer.output } : { problem: `what answers at ${url} is no gateway` }
  } catch (error) {
    // The message of fetch itself is always `fetch failed`.
    const cause = error instanceof Error ? error.cause : undefined
    return { problem: `no gateway answers at ${url}: ${rawMessageOf(cause ?? error)}` }
  } finally {
    timer[Symbol.dispose]()
  }
}

/** Where a server that listens on every interface is reached from its own machine. */
function reachable(host: string | undefined): string {
  return host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : hostText(host)
}
