/** What goes wrong with lock servers, told of whole gateways: nothing is dropped, nobody turns unready, nothing moves that need not. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, type ClusterOptions, cluster } from '../support/cluster.ts'
import { type LeasedCluster, leasedCluster } from '../support/leases.ts'
import { blocks } from '../support/world.ts'

const DAY = blocks(...Array.from({ length: 24 }, (_, i) => i + 1))
const MORE = blocks(...Array.from({ length: 12 }, (_, i) => i + 25))
const THREE = ['gw-1', 'gw-2', 'gw-3']
const TTL_MS = 30_000

let running: Cluster | undefined
afterEach(async () => {
  for (const id of [...(running?.up.keys() ?? [])]) await running?.stop(id)
  expect(running?.host.pendingTimers ?? 0).toBe(0)
  running = undefined
})

/** Three gateways on `count` lock servers that have loaded everything, and list their bucket once a minute. */
async function rested(count: number, options: Omit<ClusterOptions, 'ownership' | 'list'> = {}) {
  let leases: LeasedCluster | undefined
  const ownership: ClusterOptions['ownership'] = host => {
    leases = leasedCluster(count, host)
    return leases
  }
  const c = cluster({ list: DAY, every: '1m', minMembers: 3, ...options, ownership })
  running = c
  await c.start(THREE)
  await c.advance(10_000)
  expect(c.copies).toBe(24 * (options.replicas ?? 1))
  const { servers } = leases as LeasedCluster
  return { c, servers, held: held(c), seats: await seats(c) }
}

const held = (c: Cluster) => Object.fromEntries([...c.up].map(([id, w]) => [id, [...w.sink.numbers].toSorted()]))

const seats = async (c: Cluster) =>
  Object.fromEntries(((await c.store.slots(undefined))?.slots ?? []).map(s => [`${s.slot}/${s.rank}`, s.holder]))

const upload = (c: Cluster) => {
  for (const w of c.up.values()) w.source.list = [...DAY, ...MORE]
}

function nothingLost(c: Cluster): void {
  for (const w of c.up.values()) {
    expect(w.gateway.readiness.ready).toBe(true)
    expect(w.sink.log.filter(line => line.startsWith('drop'))).toEqual([])
  }
}

describe('a lock server that is the only one', () => {
  it('is away for minutes: nothing new is loaded, nothing dropped, nobody unready; then all goes on where it was', async () => {
    const { c, servers, held: before, seats: were } = await rested(1)
    const [server] = servers
    if (server) server.up = false
    await c.advance(2 * TTL_MS)
    upload(c)
    await c.advance(180_000)
    expect(held(c)).toEqual(before)
    nothingLost(c)
    if (server) server.up = true
    await c.advance(90_000)
    expect(await seats(c)).toEqual(were)
    expect(c.copies).toBe(36)
    nothingLost(c)
  })

  it('is killed and starts again empty: each gateway locks its own again, and nothing moves', async () => {
    const { c, servers, held: before, seats: were } = await rested(1)
    const [server] = servers
    if (server) server.up = false
    await c.advance(2_000)
    server?.table.empty()
    if (server) server.up = true
    await c.advance(60_000)
    expect(await seats(c)).toEqual(were)
    expect(held(c)).toEqual(before)
    expect(server?.table.keys()).toHaveLength(64)
    nothingLost(c)
  })

  it('hangs for less than a lock lasts: nobody notices', async () => {
    const { c, servers, seats: were } = await rested(1)
    const [server] = servers
    if (server) server.hung = true
    await c.advance(8_000)
    upload(c)
    if (server) server.hung = false
    await c.advance(90_000)
    expect(await seats(c)).toEqual(were)
    expect(c.copies).toBe(36)
    nothingLost(c)
  })

  it('cannot be reached by one gateway: that one serves what it has, the others load what is theirs', async () => {
    const { c, servers, held: before, seats: were } = await rested(1)
    servers[0]?.cut('gw-2')
    await c.advance(2 * TTL_MS)
    upload(c)
    await c.advance(120_000)
    expect(await seats(c)).toEqual(were)
    expect(held(c)['gw-2']).toEqual(before['gw-2'])
    expect(c.copies).toBeGreaterThan(24)
    expect(c.copies).toBeLessThan(36)
    nothingLost(c)
    servers[0]?.mend('gw-2')
    await c.advance(90_000)
    expect(c.copies).toBe(36)
    nothingLost(c)
  })

  it('cannot be reached by one gateway, which is drained then: others take its slots and its blocks', async () => {
    const { c, servers } = await rested(1)
    servers[0]?.cut('gw-2')
    await c.advance(2 * TTL_MS)
    await c.up.get('gw-1')?.gateway.plan.ownership.operator?.drain('gw-2', true)
    await c.advance(120_000)
    expect(c.up.get('gw-2')?.sink.loaded().size).toBe(0)
    expect(c.copies).toBe(24)
    expect(c.thin).toEqual([])
  })
})

describe('of three lock servers', () => {
  it('one may be killed, start again empty, or be cut off from one gateway: new blocks are loaded all the same', async () => {
    for (const fault of ['down', 'hung', 'empty', 'cut'] as const) {
      const { c, servers, seats: were } = await rested(3)
      const [server] = servers
      if (!server) throw new Error('there must be three')
      if (fault === 'down') server.up = false
      if (fault === 'hung') server.hung = true
      if (fault === 'empty') server.table.empty()
      if (fault === 'cut') server.cut('gw-2')
      await c.advance(2 * TTL_MS)
      upload(c)
      await c.advance(90_000)
      expect(c.copies).toBe(36)
      expect(await seats(c)).toEqual(were)
      nothingLost(c)
      server.up = true
      server.hung = false
      server.mend('gw-2')
      for (const id of THREE) await c.stop(id)
    }
  })

  it('two may hang: nothing new is claimed, nothing dropped, nobody unready; it goes on when they do', async () => {
    const { c, servers, held: before, seats: were } = await rested(3)
    for (const server of servers.slice(1)) server.hung = true
    await c.advance(2 * TTL_MS)
    upload(c)
    await c.advance(120_000)
    expect(held(c)).toEqual(before)
    expect(await seats(c)).toEqual(were)
    nothingLost(c)
    for (const server of servers) server.hung = false
    await c.advance(90_000)
    expect(c.copies).toBe(36)
    expect(await seats(c)).toEqual(were)
    nothingLost(c)
  })

  it('two may lose their memory one after another: nothing moves', async () => {
    const { c, servers, held: before, seats: were } = await rested(3)
    for (const server of servers.slice(1)) {
      server.table.empty()
      await c.advance(4_000)
    }
    await c.advance(60_000)
    expect(await seats(c)).toEqual(were)
    expect(held(c)).toEqual(before)
    nothingLost(c)
  })
})

describe('a gateway that flaps', () => {
  it('moves nothing within the grace, however often it goes and comes', async () => {
    const { c, seats: were } = await rested(1, { replicas: 2 })
    for (let i = 0; i < 4; i++) {
      const sink = c.up.get('gw-3')?.sink
      await c.stop('gw-3')
      await c.advance(20_000)
      await c.start(['gw-3'], sink)
      await c.advance(20_000)
    }
    expect(await seats(c)).toEqual(were)
    expect(c.copies).toBe(48)
    nothingLost(c)
  })

  it('that is killed comes back to its slots when its old locks have ended', async () => {
    const { c, seats: were } = await rested(1, { replicas: 2 })
    const sink = c.up.get('gw-3')?.sink
    await c.kill('gw-3')
    await c.advance(20_000)
    await c.start(['gw-3'], sink)
    await c.advance(2 * TTL_MS)
    expect(await seats(c)).toEqual(were)
    expect(c.copies).toBe(48)
  })

  it('moves its own share once beyond the grace, and nothing else: away, and back', async () => {
    const { c, seats: were } = await rested(1, { replicas: 2, grace: '30s' })
    const share = Object.values(were).filter(holder => holder === 'gw-3').length
    await c.stop('gw-3')
    await c.advance(120_000)
    const away = await seats(c)
    const moved = Object.keys(were).filter(seat => away[seat] !== were[seat])
    expect(moved.map(seat => were[seat])).toEqual(Array.from({ length: share }, () => 'gw-3'))
    await c.start(['gw-3'])
    await c.advance(120_000)
    const back = await seats(c)
    const again = Object.keys(away).filter(seat => back[seat] !== away[seat])
    expect(again.length).toBeLessThanOrEqual(share + 1)
    for (const seat of again) expect(back[seat]).toBe('gw-3')
    expect(c.copies).toBe(48)
    expect(c.thin).toEqual([])
  })
})
