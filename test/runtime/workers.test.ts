// A Worker on a fake host. On a real workerd: example-worker.node.test.ts.
import { type ConfigInput, codeOf, defineConfig, type Interval } from 'blockgate'
import { pages } from 'blockgate/http'
import { createWorker, type Worker, type WorkerContext } from 'blockgate/runtime/workers'
import { type FakeHost, fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../src/version.ts'
import { blocks, type ScriptedSink, type ScriptedSource, scriptedSink, scriptedSource } from '../support/world.ts'
import { collector } from './collector.ts'
import { JSON_ENV } from './otlp.ts'

const MINUTE = 60_000

interface Env {
  readonly CONCURRENCY: number
  readonly TOKEN?: string
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string
}

const env: Env = { CONCURRENCY: 4 }
const SECRET: Env = { ...env, TOKEN: 'a-long-secret' }
const TOKEN = { authorization: 'Bearer a-long-secret' }

interface Scene {
  readonly worker: Worker<Env>
  readonly host: FakeHost
  /** One pair for each gateway that was made. */
  readonly made: { readonly source: ScriptedSource; readonly sink: ScriptedSink }[]
  readonly context: WorkerContext & { readonly work: Promise<unknown>[] }
  cron(env?: Env): Promise<void>
  post(headers?: HeadersInit, env?: Env): Promise<Response>
  /** 200 where the gateway is ready, 503 where not; then the state of each block. */
  states(): Promise<unknown>
}

function scene({
  numbers = [1, 2, 3],
  prepare = (_: ScriptedSink) => {},
  every = undefined as Interval | undefined,
} = {}): Scene {
  const host = fakeHost()
  const made: Scene['made'] = []
  const config: ConfigInput<Env> = defineConfig<Env>(({ env }) => {
    const pair = { source: scriptedSource(blocks(...numbers)), sink: scriptedSink() }
    prepare(pair.sink)
    made.push(pair)
    return { pipeline: [pair.source, pair.sink], every, concurrency: env.CONCURRENCY, token: env.TOKEN }
  })
  const worker = createWorker(config, { host, pages })
  const work: Promise<unknown>[] = []
  const context = { work, waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
  return {
    worker,
    host,
    made,
    context,
    cron: (given = env) => worker.scheduled({ cron: '* * * * *' }, given, context),
    post: (headers = TOKEN, given = SECRET) =>
      worker.fetch(new Request('http://localhost/api/v1/sync', { method: 'POST', headers }), given, context),
    async states() {
      const ask = (path: string) => worker.fetch(new Request(`http://worker${path}`), env, context)
      const answer: { blocks: readonly { state: string }[] } = await (await ask('/api/v1/blocks')).json()
      return [(await ask('/-/ready')).status, ...answer.blocks.map(({ state }) => state)]
    },
  }
}

const said = (host: FakeHost) => host.lines.map(({ level, message }) => `${level}: ${message}`)
const reasons = (host: FakeHost) => host.lines.flatMap(({ fields }) => fields.reason ?? [])

describe('createWorker()', () => {
  it('makes one run for each cron, on one gateway, which answers from its first event on and leaves no timer', async () => {
    const { cron, states, host, made } = scene()
    expect(await states()).toEqual([503])
    await cron()
    expect(host.pendingTimers).toBe(0)
    await cron()
    expect(await states()).toEqual([200, 'serving', 'serving', 'serving'])
    expect(reasons(host)).toEqual(['startup', 'interval'])
    expect(made.map(({ source, sink }) => [source.listings, sink.numbers])).toEqual([[2, [1, 2, 3]]])
  })

  it('makes no second run while one goes on, and waits for nothing of another event', async () => {
    let go = () => {}
    const { cron, host, made } = scene({ prepare: sink => (go = sink.gate(1)) })
    const first = cron()
    await settle()
    await cron()
    expect(said(host)).toEqual(['warn: a run is still going on: this cron starts none'])
    go()
    await first
    await cron()
    expect(made.map(({ source }) => source.listings)).toEqual([2])
  })

  it('makes a run only where an interval that adapts says that it is time, or will be before the next cron; a run that failed comes again', async () => {
    const every: Interval = {
      name: 'slow',
      longestMs: 600_000,
      create: () => ({ next: () => ({ ms: 2.4 * MINUTE, why: 'rate' }) }),
    }
    const { cron, host, made } = scene({ every })
    const listings: (number | undefined)[] = []
    for (let minute = 0; minute < 6; minute++) {
      await cron()
      listings.push(made[0]?.source.listings)
      await host.advance(MINUTE)
    }
    expect(listings).toEqual([1, 1, 2, 2, 3, 3])
    Object.assign(made[0]?.source ?? {}, { error: new Error('503') })
    for (const _ of [1, 2]) await expect(cron()).rejects.toThrow('503')
    expect(said(host).join()).not.toContain('still going on')
  })

  it('makes one gateway for events that come at once', async () => {
    const { cron, states, made } = scene()
    await Promise.all([cron(), states(), states()])
    expect(await states()).toEqual([200, 'serving', 'serving', 'serving'])
    expect(made.filter(({ source }) => source.listings > 0)).toHaveLength(1)
  })

  it('stops a run after 14 minutes, before the platform would, and begins anew at the next cron', async () => {
    const { cron, host, made } = scene({
      prepare: sink => made.length === 0 && Array.from({ length: 3 }, (_, i) => sink.gate(i + 1)),
    })
    const first = cron()
    await host.advance(14 * MINUTE)
    // What is in flight has its grace.
    await host.advance(30_000)
    await first
    expect(said(host)).toContain('info: run stopped')
    expect(host.pendingTimers).toBe(0)
    await cron()
    expect(made.map(({ sink }) => sink.numbers)).toEqual([[], [1, 2, 3]])
  })

  it('takes a run that did not end with its event for gone, and begins anew', async () => {
    const dead = Object.assign(fakeHost(), { setTimer: () => ({ [Symbol.dispose]() {} }) })
    const made: ScriptedSink[] = []
    const config = defineConfig<Env>(() => {
      const sink = scriptedSink()
      if (made.push(sink) === 1) sink.hang(1)
      return { pipeline: [scriptedSource(blocks(1)), sink] }
    })
    const worker = createWorker(config, { host: dead })
    const cron = () => worker.scheduled({ cron: '* * * * *' }, env, { waitUntil() {} })
    void cron()
    await dead.advance(15 * MINUTE)
    await cron()
    expect(made).toHaveLength(1)
    await dead.advance(2 * MINUTE)
    await cron()
    expect(made.map(sink => sink.numbers)).toEqual([[], [1]])
  })

  it('rejects the cron whose run failed, and goes on with the next', async () => {
    const { cron, made } = scene()
    await cron()
    const error = new Error('the listing broke off')
    Object.assign(made[0]?.source ?? {}, { error })
    await expect(cron()).rejects.toThrow('the listing broke off')
    Object.assign(made[0]?.source ?? {}, { error: undefined })
    await cron()
    expect(made).toHaveLength(1)
  })

  it('makes the run that a request with the token asks for, and the event waits for it', async () => {
    const { post, host, context, made } = scene()
    expect([(await post({})).status, (await post()).status]).toEqual([401, 202])
    await Promise.all(context.work)
    expect([reasons(host), made[0]?.sink.numbers, host.pendingTimers]).toEqual([['manual'], [1, 2, 3], 0])
  })

  it('makes no run for a request without a token in the config: nobody is on the machine of a Worker', async () => {
    const { post, context, made } = scene()
    const { status } = await post({}, env)
    await Promise.all(context.work)
    expect([status, made[0]?.source.listings]).toEqual([403, 0])
  })

  it('makes no run for a request that comes during one, and says so in the log', async () => {
    let go = () => {}
    const { cron, host, post, made } = scene({ prepare: sink => (go = sink.gate(1)) })
    const first = cron(SECRET)
    await settle()
    await post()
    await settle()
    expect(said(host)).toEqual(['error: a run that was asked for did not begin'])
    go()
    await first
    expect(made[0]?.source.listings).toBe(1)
  })

  it('stops the run of a request after 20 seconds, before the platform would', async () => {
    const { host, post, made, cron } = scene({ prepare: sink => made.length === 0 && sink.gate(1) })
    await post()
    await host.advance(20_000)
    await cron()
    expect(made.map(({ sink }) => sink.numbers)).toEqual([
      [2, 3],
      [1, 2, 3],
    ])
  })

  it('shows its metrics, its version and its pages', async () => {
    const { worker, context, cron } = scene()
    await cron()
    const text = async (path: string) =>
      await (await worker.fetch(new Request(`http://worker${path}`), env, context)).text()
    expect(await text('/metrics')).toContain('blockgate_blocks{state="serving",reason="added"} 3')
    expect(await text('/')).toContain(`<dt>version</dt><dd>${VERSION}</dd>`)
  })

  it('tells what is wrong with a config to the log, not to whoever asks, and looks again at the next event', async () => {
    const { cron, host, worker, context, states } = scene()
    const wrong = { CONCURRENCY: 0 }
    const thrown = await cron(wrong).catch((error: unknown) => error)
    expect([codeOf(thrown), String(thrown)]).toEqual([
      'invalid-config',
      'ConfigError: invalid-config: concurrency: must be >= 1: current value is 0',
    ])
    const answer = await worker.fetch(new Request('http://worker/'), wrong, context)
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'the gateway cannot answer: see its log' }])
    expect(host.lines.map(({ fields }) => fields.code)).toEqual(['invalid-config'])
    await cron()
    expect(await states()).toEqual([200, 'serving', 'serving', 'serving'])
  })

  it('makes a gateway anew that could not start', async () => {
    let starts = 0
    let made = 0
    const config = defineConfig<Env>(() => {
      made++
      const start = async () => {
        if (++starts === 1) throw new Error('not yet')
      }
      return { pipeline: [Object.assign(scriptedSource(blocks(1)), { start }), scriptedSink()] }
    })
    const worker = createWorker(config, { host: fakeHost() })
    const cron = () => worker.scheduled({ cron: '* * * * *' }, env, { waitUntil() {} })
    await expect(cron()).rejects.toThrow('not yet')
    await cron()
    expect([starts, made]).toEqual([2, 2])
  })
})

// Last: the provider stays set.
describe('the spans of a Worker', () => {
  it('leave at the end of their event, nothing is sent in the background, and what is lost is counted', async () => {
    const { fetch, spans, requests, answer } = collector()
    const host = fakeHost()
    const pipeline = [scriptedSource(blocks(1)), scriptedSink()] as const
    const token = 'a-long-secret'
    const worker = createWorker<Env>(() => ({ pipeline: [...pipeline], token }), { host, fetch })
    const work: Promise<unknown>[] = []
    const context = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
    const given = { ...env, ...JSON_ENV, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
    const runs = () => spans().filter(({ name }) => name === 'sync.run').length
    await worker.scheduled({ cron: '* * * * *' }, given, context)
    await Promise.all(work)
    expect([requests.map(({ url }) => url), runs()]).toEqual([['http://collector:4318/v1/traces'], 1])
    const headers = { authorization: `Bearer ${token}` }
    const ask = async (path: string, method = 'GET') => {
      const response = await worker.fetch(new Request(`http://worker${path}`, { method, headers }), given, context)
      await Promise.all(work)
      return response
    }
    await ask('/api/v1/sync', 'POST')
    expect([runs(), host.pendingTimers]).toEqual([2, 0])
    answer(() => new Response('', { status: 400 }))
    await ask('/api/v1/sync', 'POST')
    const lost = /^blockgate_trace_spans_lost_total\{reason="refused"\} (\d+)$/m.exec(
      await (await ask('/metrics')).text(),
    )
    expect(Number(lost?.[1])).toBeGreaterThan(0)
  })
})
