/** What goes wrong with lock servers, told of whole gateways: nothing is dropped, nobody turns unready, nothing moves that need not. */
import { afterEach, expect, it } from 'vitest'
import { type Cluster, type ClusterOptions, cluster } from '../support/cluster.ts'
import { type LeasedCluster, leasedCluster } from '../support/leases.ts'
import type { LockServer } from '../support/lock-servers.ts'
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

it.each<[string, number, (server: LockServer, away: boolean) => void]>([
  ['the only lock server is down', 1, (server, away) => (server.up = !away)],
  ['two of three lock servers hang', 3, (server, away) => (server.hung = away)],
])(
  'while %s nothing new is loaded, nothing dropped, nobody unready; then all goes on where it was',
  async (_, count, put) => {
    const { c, servers, held: before, seats: were } = await rested(count)
    const gone = servers.slice(count === 1 ? 0 : 1)
    for (const server of gone) put(server, true)
    await c.advance(2 * TTL_MS)
    upload(c)
    await c.advance(180_000)
    expect(held(c)).toEqual(before)
    expect(await seats(c)).toEqual(were)
    nothingLost(c)
    for (const server of gone) put(server, false)
    await c.advance(90_000)
    expect(await seats(c)).toEqual(were)
    expect(c.copies).toBe(36)
    nothingLost(c)
  },
)

it('a lock server that one gateway cannot reach: that one serves what it has, the others load what is theirs', async () => {
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

it('one lock server of three may be killed, start again empty, or be cut off from one gateway: new blocks are loaded all the same', async () => {
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

it('a gateway that flaps moves its own share once beyond the grace, and nothing else: away, and back', async () => {
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
