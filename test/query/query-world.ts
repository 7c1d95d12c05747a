/** A gateway of scripted parts that answers queries of blocks in memory, and what it tells of them. */
import type { Candidate } from 'blockgate'
import type { createApp } from 'blockgate/http'
import { createApp as create } from 'blockgate/http'
import { candidate } from 'blockgate/testing'
import { resolveServe, type ServeConfig } from '../../src/config/serve.ts'
import type { MeasuredQueries, MeasuredQuery } from '../../src/contracts/metrics.ts'
import { type AddQueries, queryRoutes } from '../../src/http/queries.ts'
import { snappy } from '../../src/runtime/snappy.ts'
import { scriptedSink, type World, type WorldOptions, world } from '../support/world.ts'
import type { Matcher } from './requests.ts'
import { request } from './requests.ts'
import { type Given, type SinkState, sinkOf } from './sink-of.ts'

export interface QueryWorldOptions extends Omit<WorldOptions, 'list' | 'sink'> {
  readonly blocks: readonly Given[]
  readonly serve?: ServeConfig | undefined
  /** Changes what is loaded, by the number of a block. Default: all of `blocks`. */
  readonly fails?: readonly number[]
}

export interface QueryWorld extends World {
  readonly app: ReturnType<typeof createApp>
  readonly state: SinkState
  readonly queries: AddQueries
  /** Of each query that ended what was told of it. */
  readonly ended: MeasuredQuery[]
  readonly gauges: MeasuredQueries
  /** Resolves when `count` queries have ended. */
  over(count: number): Promise<void>
  /** One remote read of all times. */
  read(
    matchers?: readonly Matcher[],
    options?: { accepted?: readonly number[]; signal?: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response>
}

export const UP: Matcher = [0, '__name__', 'up']
export const LAST = 1_000_000_000_000

/** The gateway has made its first run. */
export async function queryGateway(options: QueryWorldOptions): Promise<QueryWorld> {
  const { blocks, serve, fails = [], ...rest } = options
  const { sink, state } = sinkOf(...blocks)
  const list: readonly Candidate[] = [...sink.loaded().values()].map(({ meta }) => candidate(meta))
  const scripted = Object.assign(scriptedSink(), { open: sink.open })
  for (const n of fails) scripted.fail(n, ...Array.from({ length: 20 }, () => new Error('the disk is gone')))
  const made = await world({ ...rest, list, sink: scripted })
  const first = made.gateway.start()
  await made.host.advance(600_000)
  await first
  const ended: MeasuredQuery[] = []
  let told = () => {}
  let gauges: MeasuredQueries | undefined
  const metrics = {
    query(end: MeasuredQuery) {
      ended.push(end)
      told()
    },
    observeQueries(queries: MeasuredQueries) {
      gauges = queries
    },
  }
  const { gateway, config, host } = made
  const queries = queryRoutes({ gateway, serve: resolveServe(serve), host, snappy, metrics })
  const app = create({ gateway, config, host, version: '1.2.3', queries })
  return {
    ...made,
    app,
    state,
    queries,
    ended,
    gauges: gauges as unknown as MeasuredQueries,
    async over(count) {
      while (ended.length < count) await new Promise<void>(resolve => (told = resolve))
    },
    read: async (matchers = [UP], { accepted = [], signal, headers } = {}) =>
      await app.request('/api/v1/read', {
        method: 'POST',
        body: request(matchers, 0, LAST, accepted) as BodyInit,
        ...(signal && { signal }),
        ...(headers && { headers }),
      }),
  }
}

/** A gate before each read of a block's files: it counts who came to it, and tells of those whose query has ended. */
export function gate(state: SinkState) {
  const opened = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  let came = () => {}
  state.before = async (_, __, signal) => {
    signals.push(signal)
    came()
    await Promise.race([opened.promise, aborted(signal)])
  }
  return {
    /** Of the reads that wait, or waited, here. */
    signals,
    /** Lets all pass. */
    open() {
      state.before = undefined
      opened.resolve()
    },
    /** Resolves when `count` reads have come. */
    async reached(count: number) {
      while (signals.length < count) await new Promise<void>(resolve => (came = resolve))
    },
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
}
