import { type Host, inSlices, pause, sortInSlices } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

/** A host that counts the turns of its event loop; `stepMs` is what its clock goes on with each look at it. */
function turning(stepMs: number): Host & { turns: number } {
  let now = 0
  const host = {
    ...fakeHost(),
    turns: 0,
    monotonic: () => (now += stepMs),
    async nextTurn() {
      host.turns++
    },
  }
  return host
}

describe('pause()', () => {
  it.each([
    ['2 ms', 1, [2, 2, 1]],
    ['128 steps where the clock stands still', 0, [128, 128, 44]],
  ])('ends a slice after %s', async (_, stepMs, steps) => {
    const host = turning(stepMs)
    const made: number[] = []
    for (let i = 0; i < 300; i++) {
      made[host.turns] = (made[host.turns] ?? 0) + 1
      await pause(host)
    }
    // The first slice begins with its first step, a later one with its turn.
    expect(made.slice(-steps.length)).toEqual(steps)
  })

  it('counts steps again where the clock stands still after it went on', async () => {
    const fake = fakeHost()
    pause(fake)
    await fake.advance(1)
    let steps = 0
    while (!pause(fake)) steps++
    expect(steps).toBe(127)
  })

  it('asks for no turn while nothing takes long, and without a host', () => {
    const host = fakeHost()
    for (let i = 0; i < 100; i++) expect(pause(host)).toBeUndefined()
    expect(pause(undefined, 1_000)).toBeUndefined()
  })

  it('gives all who work side by side one slice together, not one each', async () => {
    const waiting: (() => void)[] = []
    // One phase of the event loop: each callback's promises settle before the next one is called.
    const host = { ...turning(0), nextTurn: () => new Promise<void>(resolve => waiting.push(resolve)) }
    let steps = 0
    const work = async () => {
      for (let i = 0; i < 2_000; i++) {
        steps++
        await pause(host)
      }
    }
    const done = Promise.all(Array.from({ length: 16 }, work))
    const most: number[] = []
    await settled()
    for (let due = waiting.splice(0); due.length > 0; due = waiting.splice(0)) {
      steps = 0
      for (const resolve of due) {
        resolve()
        await settled()
      }
      most.push(steps)
    }
    await done
    expect(Math.max(...most)).toBeLessThanOrEqual(128 + 2 * 16)
  })

  it('goes on after a turn that never comes: a timer of Workers ends with its event', async () => {
    const { nextTurn, ...host } = turning(0)
    const dead = { ...host, nextTurn: () => new Promise<void>(() => {}) }
    while (!pause(dead)) {}
    dead.nextTurn = nextTurn
    await pause(dead)
    expect(pause(dead)).toBeUndefined()
  })
})

it('inSlices() calls for each item in order, and pauses', async () => {
  const host = turning(0)
  const seen: number[] = []
  const items = Array.from({ length: 20_000 }, (_, i) => i)
  await inSlices(host, items, item => void seen.push(item))
  expect([seen, host.turns]).toEqual([items, 9])
})

it.each([0, 0.01])(
  'a loop beside others that use every slice up gets its share of each turn, with a clock that goes on by %s ms a step',
  async stepMs => {
    const host = turning(stepMs)
    host.nextTurn = () => new Promise(resolve => setTimeout(resolve, 0, host.turns++))
    let ended = false
    const hog = (async () => {
      while (!ended) {
        let turn: Promise<void> | undefined
        while (!turn) turn = pause(host)
        await turn
      }
    })()
    const before = host.turns
    await inSlices(host, new Array(50_000).fill(0), () => {})
    const turns = host.turns - before
    ended = true
    await hog
    // Each turn is asked for by both.
    expect(turns / 2).toBeLessThan(200)
  },
)

it('many short loops, one after another, pause as a long one does', async () => {
  const host = turning(0.1)
  for (let i = 0; i < 500; i++) {
    await inSlices(host, [1, 2, 3], () => {})
    await sortInSlices(host, new Array(40).fill(0), () => 0)
  }
  expect(host.turns).toBeGreaterThan(20)
})

it('sortInSlices() sorts as sort() does, keeps the order of equals, leaves the list as it was, and pauses', async () => {
  const host = turning(1)
  for (const count of [0, 1, 63, 64, 65, 200, 5_000]) {
    const items = Array.from({ length: count }, (_, at) => ({ key: Math.floor(host.random() * 100), at }))
    const before = [...items]
    const byKey = (a: (typeof items)[0], b: (typeof items)[0]) => a.key - b.key
    expect(await sortInSlices(host, items, byKey)).toEqual([...items].sort(byKey))
    expect(items).toEqual(before)
  }
  expect(host.turns).toBeGreaterThan(20)
})

async function settled(): Promise<void> {
  for (let i = 0; i < 2_000; i++) await Promise.resolve()
}

it.each<[string, (host: Host, items: number[]) => Promise<unknown>]>([
  ['inSlices()', (host, items) => inSlices(host, items, () => {})],
  ['sortInSlices()', (host, items) => sortInSlices(host, items, (a, b) => a - b)],
])('%s of few items counts as what it took: many short loops, one after another, are a long one', async (_, loop) => {
  const host = turning(0)
  const items = Array.from({ length: 300 }, (_, i) => i)
  for (let i = 0; i < 100; i++) await loop(host, items)
  expect(host.turns).toBeGreaterThanOrEqual(10)
})
