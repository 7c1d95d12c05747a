// Many blocks and a heartbeat: the event loop turns while a run goes on, whatever the run does, also in workerd, where the clock stands
// still between two turns. Nothing here measures time.
import {
  type BlockSource,
  defineConfig,
  gateway,
  type Host,
  memoryState,
  type OwnershipPlugin,
  owned,
  resolveConfig,
} from 'blockgate'
import { createApp, pages } from 'blockgate/http'
import type { SlotStore } from 'blockgate/members'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memory } from 'blockgate/plugins/sink/memory'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { fakeHost, services } from 'blockgate/testing'
import { afterAll, expect, it } from 'vitest'
import { manyMetas } from '../bench/many-metas.ts'
import { countSteps, type Steps } from './support/steps.ts'

const isWorker = navigator.userAgent === 'Cloudflare-Workers'
const BLOCKS = isWorker ? 10_000 : 200_000
/** A slice is 128 steps of 64 items at the most, and an item takes some look-ups. */
const MOST = 70_000
const BEAT = 5_000
/** What one turn takes of the host's time, ms. */
const TURN = 5

interface Loop {
  readonly host: Host
  /** The most steps between two turns since it was asked last. */
  most(): number
}

interface Timer {
  readonly at: number
  readonly fn: () => void
}

/** A host whose time goes on by the turns of its event loop, and by nothing else. */
function turning(steps: Steps): Loop {
  const timers = new Set<Timer>()
  let now = 0
  let turn: Promise<void> | undefined
  let most = 0
  const look = () => {
    most = Math.max(most, steps.count)
    steps.count = 0
  }
  const next = async () => {
    look()
    await new Promise<void>(resolve => (isWorker ? setTimeout(resolve, 0) : setImmediate(resolve)))
    turn = undefined
    now += TURN
    for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.fn()
  }
  return {
    host: {
      ...fakeHost(),
      monotonic: () => now,
      now: () => Date.UTC(2026, 0, 1) + now,
      nextTurn: () => (turn ??= next()),
      setTimer(ms, fn) {
        const timer = { at: now + ms, fn }
        timers.add(timer)
        return { [Symbol.dispose]: () => void timers.delete(timer) }
      },
    },
    most() {
      look()
      const told = most
      most = 0
      return told
    },
  }
}

const steps = countSteps()
afterAll(() => steps[Symbol.dispose]())

const loop = turning(steps)
const heartbeats: number[] = []
const store = heard(memoryStore())
const all = manyMetas(BLOCKS)
let emptied = false
/** All the blocks, until the bucket is emptied. */
const source: BlockSource = {
  ...all,
  async *pages(context) {
    return emptied ? { complete: true } : yield* all.pages(context)
  },
}
const RING = { store, replicas: 1, handoverDelay: 0, heartbeat: BEAT } as const

/** Notes each heartbeat of the first gateway. */
function heard(given: SlotStore): SlotStore {
  const heartbeat: SlotStore['heartbeat'] = (stamp, request) => {
    if (stamp.id === 'a') heartbeats.push(loop.host.monotonic())
    return given.heartbeat(stamp, request)
  }
  return {
    ...given,
    heartbeat,
  }
}

/** Another member, that serves every block. */
async function peer(): Promise<OwnershipPlugin> {
  const plugin = hashRing(RING)
  await plugin.start?.(services({ host: loop.host, instance: { id: 'b', zone: undefined } }))
  return plugin
}

async function member(id: string) {
  const sink = memory()
  const meters = setupMetrics()
  const config = await resolveConfig(
    defineConfig({
      instance: { id },
      every: '24h',
      pipeline: [source, timeRange({ from: 0 }), dedup(), newestFirst(), owned(hashRing(RING)), sink],
    }),
    { env: {} },
  )
  const { host } = loop
  const gate = gateway(config, { host, state: memoryState(), metrics: meters.metrics })
  return {
    gate,
    app: createApp({ gateway: gate, config, host, version: 'test', metrics: meters, pages }),
    sink: sink.loaded(),
  }
}

/** Lets time go on until `done`. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await loop.host.nextTurn()
}

async function whileTurning<T>(work: Promise<T>): Promise<T> {
  let ended = false
  const noted = work.finally(() => (ended = true))
  await until(() => ended)
  return noted
}

it(`${BLOCKS} blocks are listed, added, found unchanged, asked for, counted and handed over while the event loop turns`, async () => {
  const first = await member('a')
  const told: Record<string, number> = {}
  const step = async (name: string, work: () => Promise<unknown>) => {
    loop.most()
    await whileTurning(work())
    told[name] = loop.most()
  }
  await step('the first run', () => first.gate.start())
  expect(first.sink.size).toBe(BLOCKS)
  await step('a run that finds all unchanged', () => first.gate.sync())
  expect(first.gate.results.at(-1)?.summary.blocks.unchanged).toBe(BLOCKS)
  for (const path of ['/metrics', '/api/v1/serving', '/api/v1/blocks?limit=1', '/', '/blocks', '/-/ready']) {
    await step(path, async () => (await first.app.request(path)).text())
  }
  const second = await whileTurning(peer())
  const never = new AbortController().signal
  const ids = new Set(first.sink.keys())
  await step('another one joins, and serves them', async () => second.handover?.publish(ids, never))
  await step('the first lets go of half of them', () => until(() => first.sink.size < 0.51 * BLOCKS))
  expect(first.sink.size).toBeGreaterThan(0.45 * BLOCKS)
  emptied = true
  await step('a run that finds the bucket empty', () => first.gate.sync())
  expect(first.gate.results.at(-1)?.unconfirmed).toBe(first.sink.size)
  await step('a run that drops all', () => first.gate.sync({ confirmDrops: true }))
  expect(first.sink.size).toBe(0)
  await step('the stop', () => Promise.all([first.gate.stop(), second.stop?.(never)]))
  expect(Object.entries(told).filter(([, most]) => most > MOST)).toEqual([])

  const gaps = heartbeats.slice(1).map((at, i) => at - (heartbeats[i] ?? 0))
  expect(heartbeats.length).toBeGreaterThan(isWorker ? 2 : 10)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1.1 * BEAT + TURN)
})
