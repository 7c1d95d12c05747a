import {
  type BlockContext,
  type BlockStage,
  gateway,
  memoryState,
  owned,
  type Pipeline,
  resolveConfig,
  type SetStage,
} from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { fakeHost, memoryBucket, services, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedSink, scriptedSource } from '../support/world.ts'
import { Trouble } from './trouble.ts'

const SCHEDULES = 500
/** The grace, and what is given to what hangs: see Config.stopGrace. */
const BOUND_MS = 30_000 + 12_000

const LIFE = { start: 'async', stop: 'end' } as const
/** What may go wrong, by part and call. */
const CALLS = {
  bucket: LIFE,
  source: LIFE,
  pages: { next: 'async', return: 'async' },
  ticker: { ...LIFE, handle: 'async' },
  ordering: { select: 'async' },
  ownership: { ...LIFE, epoch: 'sync', claim: 'async', watch: 'sync' },
  handover: {
    publish: 'async',
    serve: 'async',
    release: 'async',
    owners: 'sync',
    standing: 'sync',
    unknown: 'sync',
    ready: 'sync',
    report: 'sync',
  },
  sink: { ...LIFE, loaded: 'sync', prepare: 'async', drop: 'end' },
  prepared: { commit: 'end', [Symbol.asyncDispose]: 'async' },
  state: { get: 'async', set: 'async', delete: 'async' },
  store: { start: 'async', join: 'async', heartbeat: 'async', leave: 'async', entries: 'async' },
} as const
/** Too rare to meet trouble in these schedules. */
const RARE = 'state.delete'

/** Ticks from its start to its stop, and looks at nothing else. */
function ticker(host: ReturnType<typeof fakeHost>): BlockStage {
  let timer: Disposable | undefined
  const tick = () => {
    timer = host.setTimer(10_000, tick)
  }
  return {
    kind: 'block',
    name: 'ticker',
    start: async () => tick(),
    async stop() {
      timer?.[Symbol.dispose]()
    },
    handle: (_, next) => next(),
  }
}

const ordering: SetStage = {
  kind: 'set',
  name: 'ordering',
  select: list => list.map(({ meta }) => ({ id: meta.ulid })),
}

/** What happened in any of them: a schedule that meets no trouble shows nothing. */
const seen = new Set<string>()

/** Runs one schedule; gives back what is wrong at its end. */
async function schedule(seed: number): Promise<readonly string[]> {
  const { random } = fakeHost({ seed: seed * 101 })
  const upTo = (n: number) => Math.floor(random() * n)
  const trouble = new Trouble(random, [0.03, 0.1, 0.3][upTo(3)] ?? 0)
  const host = fakeHost({ seed })
  const store = memoryStore()
  const storeTrouble = random() < 0.3
  const times = { heartbeat: '10s', expireAfter: '1m', handoverDelay: '10s' } as const
  const other = hashRing({ store, ...times })
  let joined = false
  const wild = <T extends object>(name: keyof typeof CALLS, target: T) =>
    trouble.with(target, name, CALLS[name] as never)
  const ring = hashRing({ ...times, store: storeTrouble ? wild('store', store) : store })
  const ownership = wild('ownership', { ...ring, handover: wild('handover', ring.handover as object) } as typeof ring)
  const source = Object.assign(scriptedSource(blocks(1, 2, 3, 4)), { start: async () => {}, stop: async () => {} })
  const pages = source.pages.bind(source)
  let listings = 0
  source.pages = run => {
    listings++
    return wild('pages', pages(run))
  }
  const held = scriptedSink()
  const { prepare } = held
  const sink = {
    ...held,
    start: async () => {},
    stop: async () => {},
    async prepare(block: BlockContext) {
      return wild('prepared', await prepare(block))
    },
  }
  const pipeline = [
    wild('source', source),
    wild('ticker', ticker(host)),
    wild('ordering', ordering),
    owned(ownership),
    wild('sink', sink),
  ] as unknown as Pipeline
  const bucket = wild('bucket', Object.assign(memoryBucket(), { stop: async () => {} }))
  const config = await resolveConfig({ pipeline, bucket, every: '1m', instance: { id: 'me' } }, { env: {} })
  const state = wild('state', memoryState())
  const onResult = () => trouble.call('sync', 'onResult', () => {}) as undefined
  const made = gateway(config, { host, state, onResult })

  const asked = new Set<Promise<unknown>>()
  const ask = (work: Promise<unknown>) => {
    const settled = work
      .catch(() => {})
      .then(() => {
        asked.delete(settled)
      })
    asked.add(settled)
  }
  const steps = [
    () => ask(made.start()),
    () => ask(made.start()),
    () => ask(made.sync()),
    () => ask(made.sync({ confirmDrops: true })),
    () => host.advance(upTo(1_000)),
    () => host.advance(upTo(30_000)),
    () => host.advance(upTo(300_000)),
    () => void made.readiness,
    () => trouble.release(random()),
    () => {
      source.list = blocks(...[1, 2, 3, 4, 5, 6].filter(() => random() < 0.7))
    },
    // They go, and a person agrees.
    async () => {
      source.list = blocks(7)
      for (let n = 0; n < 2; n++) {
        ask(made.sync({ confirmDrops: true }))
        await host.advance(upTo(30_000))
      }
    },
    // Another member comes, and serves some of the blocks.
    async () => {
      if (joined) return
      joined = true
      const start = other.start?.(services({ host, instance: { id: 'other', zone: undefined } }))
      await host.advance(100)
      await start
      const serves = new Set(blocks(1, 2, 3).map(({ meta }) => meta.ulid))
      await other.handover?.publish(serves, new AbortController().signal)
    },
    settle,
  ]
  // Half of them begin well, and get into trouble later.
  if (random() < 0.5) {
    trouble.over = true
    ask(made.start())
    await host.advance(20_000)
    trouble.over = false
  }
  for (let n = 2 + upTo(14); n > 0; n--) await steps[upTo(steps.length)]?.()
  if (random() < 0.5) ask(made.start())

  const wrong: string[] = []
  ask(made.stop())
  if (random() < 0.3) ask(made.stop())
  await host.advance(BOUND_MS)
  if (asked.size > 0) wrong.push(`${asked.size} calls have not settled`)
  const before = listings
  const shown = held.numbers.join()
  // What hangs goes on, late, and may go wrong still.
  for (let n = 0; n < 3; n++) {
    trouble.release(0.5)
    await host.advance(60_000)
  }
  trouble.over = true
  trouble.release(1)
  await settle()
  trouble.release(1)
  await host.advance(60_000)
  await other.stop?.(new AbortController().signal)
  if (host.pendingTimers > 0) wrong.push(`${host.pendingTimers} timers are armed`)
  if (listings !== before) wrong.push('a run began after the stop')
  if (held.numbers.join() !== shown) wrong.push('the sink changed after the stop')
  const again = await made.start().catch((error: { code?: string }) => error.code)
  if (again !== 'stopped') wrong.push(`a start after the stop gives ${JSON.stringify(again)}`)
  if (!storeTrouble) {
    await store.start?.(services({ host }))
    const me = (await store.entries()).members.get('me')
    if (me?.state === 'active') wrong.push('the member is in the ring')
  }
  for (const line of trouble.log) seen.add(line)
  for (const { status } of made.results) seen.add(`run ${status}`)
  return wrong.map(what => `seed ${seed}: ${what}: ${trouble.log.slice(-12).join(', ')}`)
}

describe('any schedule of starts, stops, throws and hangs', () => {
  const each = 100
  for (let from = 1; from <= SCHEDULES; from += each) {
    it(`ends stopped, with nothing armed and nobody in the ring (${from} to ${from + each - 1})`, async () => {
      const wrong: string[] = []
      for (let seed = from; seed < from + each; seed++) wrong.push(...(await schedule(seed)))
      expect(wrong).toEqual([])
    }, 60_000)
  }

  it('met each kind of trouble, trouble at each call, and runs of each kind', () => {
    const lines = [...seen]
    const calls = Object.entries(CALLS).flatMap(([part, kinds]) => Object.keys(kinds).map(call => `${part}.${call}`))
    const wanted = [...calls, 'onResult', 'run done', 'run failed', 'run stopped']
    expect(wanted.filter(call => call !== RARE && !lines.some(line => line.endsWith(call)))).toEqual([])
    const hows = ['throw ', 'throw after', 'reject', 'hang before', 'hang after', 'nonsense']
    expect(hows.filter(how => !lines.some(line => line.startsWith(how)))).toEqual([])
  })
})
