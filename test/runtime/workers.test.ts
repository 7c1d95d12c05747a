// A Worker on a fake host. On a real workerd: example-worker.node.test.ts.
import { type ConfigInput, codeOf, defineConfig } from 'blockgate'
import { createWorker, type Worker, type WorkerContext } from 'blockgate/runtime/workers'
import { type FakeHost, fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, type ScriptedSink, type ScriptedSource, scriptedSink, scriptedSource } from '../support/world.ts'
import { collector } from './collector.ts'

const MINUTE = 60_000

interface Env {
  readonly CONCURRENCY: number
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string
}

const env: Env = { CONCURRENCY: 4 }

interface Scene {
  readonly worker: Worker<Env>
  readonly host: FakeHost
  /** One pair for each gateway that was made. */
  readonly made: { readonly source: ScriptedSource; readonly sink: ScriptedSink }[]
  readonly context: WorkerContext & { readonly work: Promise<unknown>[] }
  cron(env?: Env): Promise<void>
  states(): Promise<unknown>
}

function scene({ numbers = [1, 2, 3], prepare = (_: ScriptedSink) => {} } = {}): Scene {
  const host = fakeHost()
  const made: Scene['made'] = []
  const config: ConfigInput<Env> = defineConfig<Env>(({ env }) => {
    const pair = { source: scriptedSource(blocks(...numbers)), sink: scriptedSink() }
    prepare(pair.sink)
    made.push(pair)
    return { pipeline: [pair.source, pair.sink], concurrency: env.CONCURRENCY }
  })
  const worker = createWorker(config, { host })
  const work: Promise<unknown>[] = []
  const context = { work, waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
  return {
    worker,
    host,
    made,
    context,
    cron: (given = env) => worker.scheduled({ cron: '* * * * *' }, given, context),
    async states() {
      return await (await worker.fetch(new Request('http://worker/'), env, context)).json()
    },
  }
}

const said = (host: FakeHost) => host.lines.map(({ level, message }) => `${level}: ${message}`)
const reasons = (host: FakeHost) => host.lines.flatMap(({ fields }) => fields.reason ?? [])

describe('createWorker()', () => {
  it('makes one run for each cron, on one gateway: a startup run, then interval runs', async () => {
    const { cron, host, made } = scene()
    await cron()
    await cron()
    expect(reasons(host)).toEqual(['startup', 'interval'])
    expect(made.map(({ source, sink }) => [source.listings, sink.numbers])).toEqual([[2, [1, 2, 3]]])
  })

  it('answers from the same isolate, also before the first cron', async () => {
    const { cron, states, made } = scene()
    expect(await states()).toEqual({ ready: false, loaded: 0, blocks: {} })
    await cron()
    expect(await states()).toEqual({ ready: true, loaded: 3, blocks: { serving: 3 } })
    expect(made).toHaveLength(1)
  })

  it('leaves no timer behind: it would belong to an event that is over', async () => {
    const { cron, host } = scene()
    await cron()
    expect(host.pendingTimers).toBe(0)
  })

  it('makes no second run while one goes on, and waits for nothing of another event', async () => {
    let go = () => {}
    const { cron, host, made } = scene({ prepare: sink => (go = sink.gate(1)) })
    const first = cron()
    await settle()
    await cron()
    expect(said(host)).toEqual(['warn: a run is going on: this cron makes none'])
    go()
    await first
    await cron()
    expect(made.map(({ source }) => source.listings)).toEqual([2])
  })

  it('makes one gateway for events that come at once', async () => {
    const { cron, states, made } = scene()
    await Promise.all([cron(), states(), states()])
    expect(await states()).toEqual({ ready: true, loaded: 3, blocks: { serving: 3 } })
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
    expect(await states()).toEqual({ ready: true, loaded: 3, blocks: { serving: 3 } })
  })

  it('makes a gateway anew that could not start', async () => {
    let starts = 0
    const config = defineConfig<Env>(() => {
      const start = async () => {
        if (++starts === 1) throw new Error('not yet')
      }
      return { pipeline: [Object.assign(scriptedSource(blocks(1)), { start }), scriptedSink()] }
    })
    const worker = createWorker(config, { host: fakeHost() })
    const cron = () => worker.scheduled({ cron: '* * * * *' }, env, { waitUntil() {} })
    await expect(cron()).rejects.toThrow('not yet')
    await cron()
    expect(starts).toBe(2)
  })
})

// Last: the provider stays set.
describe('the spans of a Worker', () => {
  it('leave at the end of their event, and nothing is sent in the background', async () => {
    const { fetch, spans, requests } = collector()
    const host = fakeHost()
    const pipeline = [scriptedSource(blocks(1)), scriptedSink()] as const
    const worker = createWorker<Env>(() => ({ pipeline: [...pipeline] }), { host, fetch })
    const work: Promise<unknown>[] = []
    const given = { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
    await worker.scheduled({ cron: '* * * * *' }, given, { waitUntil: promise => void work.push(promise) })
    await Promise.all(work)
    expect(requests.map(({ url }) => url)).toEqual(['http://collector:4318/v1/traces'])
    expect(spans().map(({ name }) => name)).toContain('sync.run')
    expect([work.length, host.pendingTimers]).toEqual([1, 0])
  })
})
