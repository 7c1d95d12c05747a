/** A host whose time stands still until a test moves it. */
import type { Fields, Host } from '../contracts/host.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Fields
}

export interface FakeHost extends Host {
  /** Moves both clocks by `ms`, firing the timers that fall due in order, and lets promises settle between them. */
  advance(ms: number): Promise<void>
  /** Steps the wall clock only, as an operator or NTP would. */
  step(ms: number): void
  /** Timers that have not fired and were not disposed: 0 after a clean stop. */
  readonly pendingTimers: number
  readonly lines: readonly LogLine[]
}

export interface FakeHostOptions {
  /** Wall clock at the start, in ms. Default 2026-01-01. */
  readonly now?: number | undefined
  /** Seed of random(). Default 1. */
  readonly seed?: number | undefined
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly fn: () => void
}

/** @example const host = fakeHost(); const done = sleep(host, 1000); await host.advance(1000); await done */
export function fakeHost(options: FakeHostOptions = {}): FakeHost {
  let wall = options.now ?? Date.UTC(2026, 0, 1)
  let mono = 0
  let order = 0
  let seed = options.seed ?? 1
  const timers = new Set<Timer>()
  const lines: LogLine[] = []
  const log =
    (level: LogLine['level']) =>
    (message: string, fields: Fields = {}) => {
      lines.push({ level, message, fields })
    }
  const due = (until: number): Timer | undefined => {
    let first: Timer | undefined
    for (const t of timers) {
      if (t.at <= until && (!first || t.at < first.at || (t.at === first.at && t.order < first.order))) first = t
    }
    return first
  }
  return {
    now: () => wall,
    monotonic: () => mono,
    random() {
      // mulberry32: small, seeded, good enough to spread a jitter
      seed = (seed + 0x6d2b79f5) | 0
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    },
    setTimer(ms, fn) {
      const timer: Timer = { at: mono + Math.max(0, ms), order: order++, fn }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    // Not a turn of the real loop: what a test finds after settle() must not depend on how often somebody paused.
    nextTurn: () => Promise.resolve(),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    async advance(ms) {
      const until = mono + ms
      await settle()
      for (let timer = due(until); timer; timer = due(until)) {
        timers.delete(timer)
        wall += timer.at - mono
        mono = timer.at
        timer.fn()
        await settle()
      }
      wall += until - mono
      mono = until
      await settle()
    },
    step(ms) {
      wall += ms
    },
    get pendingTimers() {
      return timers.size
    },
    lines,
  }
}

/** Lets everything that is ready run: promise chains of any depth a test meets, and I/O callbacks that are due. */
export async function settle(): Promise<void> {
  const channel = new MessageChannel()
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 50; j++) await Promise.resolve()
    await new Promise<void>(resolve => {
      channel.port1.onmessage = () => resolve()
      channel.port2.postMessage(undefined)
    })
  }
  channel.port1.close()
  channel.port2.close()
}
