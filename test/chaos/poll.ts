/** Asks one gateway again and again what a client may ask it for. */
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from './coverage.ts'

const EVERY_MS = 200
/** Longer than any pause of a busy machine; who is slower than this does not serve. */
const TIMEOUT_MS = 5_000
const NOTHING: ReadonlySet<string> = new Set()

export interface PollOptions {
  readonly port: number
  readonly signal: AbortSignal
  /** `error`: there was no answer, which counts as one without blocks. */
  readonly onAnswer: (answer: Answer, ready: boolean, error: Error | undefined) => void
}

/** Resolves once the signal was aborted. */
export async function poll({ port, signal, onAnswer }: PollOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let tag = ''
  let ready = false
  let blocks = NOTHING
  while (!signal.aborted) {
    const from = performance.now()
    let failure: Error | undefined
    try {
      const { response, body } = await ask(agent, port, tag, signal)
      if (response.statusCode === 200) {
        const told = JSON.parse(body) as { readonly ready: boolean; readonly blocks: readonly string[] }
        tag = response.headers.etag ?? ''
        ready = told.ready
        blocks = told.ready ? new Set(told.blocks) : NOTHING
      } else if (response.statusCode !== 304) throw new Error(`the answer must be 200: it is ${response.statusCode}`)
    } catch (error) {
      if (signal.aborted) break
      failure = error as Error
      tag = ''
      ready = false
      blocks = NOTHING
    }
    onAnswer({ from, to: performance.now(), blocks }, ready, failure)
    await delay(Math.max(0, EVERY_MS - (performance.now() - from)), undefined, { signal }).catch(() => {})
  }
  agent.destroy()
}

function ask(
  agent: Agent,
  port: number,
  tag: string,
  signal: AbortSignal,
): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'if-none-match': tag }
    const path = '/api/v1/serving'
    const options = { agent, host: '127.0.0.1', port, path, headers, signal, timeout: TIMEOUT_MS }
    const request = get(options, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', text => {
        body += text
      })
      response.on('end', () => resolve({ response, body }))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    request.on('error', reject)
  })
}
