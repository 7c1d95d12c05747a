/** Slots and their locks, told of whole gateways: a process that stands still. */
import type { BlockId, BlockSink } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { type FakeHost, fakeHost } from 'blockgate/testing'
import { afterEach, expect, it } from 'vitest'
import { slotOf } from '../../plugins/ownership/redlock/slots.ts'
import { type Cluster, cluster } from '../support/cluster.ts'
import { type LeasedCluster, leasedCluster } from '../support/leases.ts'
import { blocks, numberOf, scriptedSink, world } from '../support/world.ts'

const DAY = blocks(...Array.from({ length: 24 }, (_, i) => i + 1))
const MORE = blocks(...Array.from({ length: 36 }, (_, i) => i + 25))
const SLOTS = 64

let running: Cluster | undefined
afterEach(async () => {
  for (const id of [...(running?.up.keys() ?? [])]) await running?.stop(id)
  expect(running?.host.pendingTimers ?? 0).toBe(0)
  running = undefined
})

/** A cluster on one lock server. */
function leased() {
  let made: LeasedCluster | undefined
  const ownership = (host: FakeHost) => {
    made = leasedCluster(1, host, { slots: SLOTS })
    return made
  }
  running = cluster({ list: DAY, every: '1m', ownership })
  return { c: running, leases: made as unknown as LeasedCluster }
}

for (const clock of ['wall', 'monotonic'] as const) {
  it(`a gateway that stood still for longer than the TTL begins nothing before it has its locks again, where its ${clock} clock went on`, async () => {
    const { c, leases } = leased()
    await c.start(['gw-1', 'gw-2'])
    const { w, host, pause, began } = await sleeper(c, leases)
    const together = async (ms: number) => {
      for (let left = ms; left > 0; left -= 250) {
        await c.advance(250)
        await host.advance(250)
      }
    }
    const server = leases.servers[0] as LeasedCluster['servers'][number]
    const { log } = server
    await together(30_000)
    const own = w.sink.numbers.length
    expect(own).toBeGreaterThan(0)
    // Some of its new blocks are in flight when it falls asleep, and more of them wait.
    const gates = MORE.map(({ meta }) => w.sink.gate(numberOf(meta.ulid)))
    for (const { source } of [...c.up.values(), w]) source.list = [...DAY, ...MORE]
    await together(70_000)
    const inFlight = w.sink.log.filter(line => line.startsWith('prepare')).length - own
    expect(inFlight).toBe(4)
    await pause(clock, 60_000)
    // Others stand in for it.
    expect(c.copies).toBe(60)

    const slept = log.length
    const unlocked: BlockId[] = []
    began.push(id => {
      const lock = `acquire gw-3 blockgate:{}:lock/${slotOf(id, SLOTS)}/0`
      if (!log.slice(slept).includes(lock)) unlocked.push(id)
    })
    for (const open of gates) open()
    // The store answers at once, the lock server does not.
    server.cut('gw-3')
    const alone = new Set<BlockId>()
    for (let i = 0; i < 240; i++) {
      await together(250)
      if (i === 40) server.mend('gw-3')
      for (const { meta } of [...DAY, ...MORE])
        if (c.copiesOf(meta.ulid) === 0 && !w.sink.loaded().has(meta.ulid)) alone.add(meta.ulid)
    }
    expect(alone).toEqual(new Set())
    expect(unlocked).toEqual([])
    expect(c.copies + w.sink.numbers.length).toBe(60)
    expect(w.sink.numbers.length).toBeGreaterThan(own)
    expect(w.gateway.readiness.ready).toBe(true)
    const stopping = w.gateway.stop()
    await together(5_000)
    await stopping
    expect(host.pendingTimers).toBe(0)
  })
}

/** gw-3 of the cluster, on clocks of its own, started. `pause`: the others go on without it, and then one of its clocks has, too. */
async function sleeper(c: Cluster, leases: LeasedCluster) {
  const host = fakeHost({ now: c.host.now(), seed: 3 })
  let ahead = 0
  const own: FakeHost = { ...host, monotonic: () => host.monotonic() + ahead }
  const began: ((id: BlockId) => void)[] = []
  const sink = scriptedSink()
  const { prepare } = sink
  const telling: BlockSink['prepare'] = async block => {
    for (const tell of began) tell(block.id)
    return prepare(block)
  }
  Object.assign(sink, { prepare: telling })
  // Who sleeps hears nothing, either.
  let asleep = false
  const store: SlotStore = { ...c.store, watch: listener => c.store.watch(() => asleep || listener()) }
  const ownership = leases.make('gw-3', store, { handoverDelay: '1s' })
  const w = await world({ id: 'gw-3', host: own, list: DAY, sink, ownership, every: '1m' })
  let started = false
  const starting = w.gateway.start().then(() => {
    started = true
  })
  while (!started) {
    await c.advance(100)
    await host.advance(100)
  }
  await starting
  const pause = async (clock: 'wall' | 'monotonic', ms: number) => {
    asleep = true
    await c.advance(ms)
    asleep = false
    if (clock === 'wall') host.step(ms)
    else ahead += ms
  }
  return { w, host, pause, began }
}
