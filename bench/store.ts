/**
 * What the steps of `store/redis` cost on a Redis of this machine, and what 300,000 claims weigh in it.
 *
 *   npm run bench:store [-- CLAIMS]        default 300000; needs redis-server (scripts/ensure.mjs installs it on Debian)
 *
 * "Redis" is the time in the script or command by Redis' own count (`INFO commandstats`), "whole" the round trip as a member sees it.
 */
import { type BlockId, blockId } from 'blockgate'
import { MAX_IDS, type MemberStore, type Stamp } from 'blockgate/members'
import { redisStore } from 'blockgate/plugins/store/redis'
import { nodeHost } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'
import { type RedisServer, startRedis } from '../test/support/redis.ts'

const MEMBERS = 5
const TIMES = 200
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const claims = Number(process.argv[2] ?? 300_000)

const redis = await startRedis()
const store = redisStore({ cluster: 'bench', url: redis.url, commandTimeout: '10s' })
await store.start?.(services({ host: nodeHost() }))
try {
  await measure(store, redis)
} finally {
  await store.stop?.(new AbortController().signal)
  await redis.stop()
}

async function measure(store: MemberStore, redis: RedisServer): Promise<void> {
  const empty = await memory(redis)
  const members = []
  for (let i = 0; i < MEMBERS; i++) members.push(await join(store, `gw-${i}`))
  const ids = Array.from({ length: claims / MEMBERS }, (_, i) => id(i))
  for (const { stamp } of members) {
    for (let at = 0; at < ids.length; at += MAX_IDS)
      await store.serve(stamp(), { added: ids.slice(at, at + MAX_IDS), dropped: [] })
  }
  const used = (await memory(redis)) - empty
  console.log(
    `${claims} claims of ${MEMBERS} members: ${(used / 2 ** 20).toFixed(1)} MiB, ${(used / claims).toFixed(0)} bytes each`,
  )

  const [a, b] = members as [Member, Member]
  for (const { stamp, storeId } of members) await store.heartbeat(stamp(), { storeId, stats: undefined, seen: 0 })
  const { epoch: decidedIn } = await store.entries()
  const some = ids.slice(0, MAX_IDS)
  const stats = { assigned: 1, serving: 1, pendingHandOff: 1, lastCopy: 1, failed: 1, bytes: 1e12 }
  const released = some.map(each => ({
    id: each,
    superseding: each,
    targets: ['gw-1', 'gw-2'],
    quorum: 'all' as const,
  }))
  const again = async () => void (await store.serve(a.stamp(), { added: some, dropped: [] }))
  await time(
    `serve, ${MAX_IDS} added`,
    again,
    async () => void (await store.serve(a.stamp(), { added: [], dropped: some })),
  )
  await time(
    `release, ${MAX_IDS} of 2 targets`,
    async () => {
      await store.release(a.stamp(), { decidedIn, freshMs: 1e9, items: released })
    },
    again,
  )
  await time('heartbeat', async () => void (await store.heartbeat(b.stamp(), { storeId: b.storeId, stats, seen: 0 })))
  await time(`heartbeats of ${MEMBERS}`, async () => void (await store.heartbeats()))
  await time(`record of ${MEMBERS}`, async () => void (await store.entries()))
  await time(`claims, ${ids.length}`, async () => void (await store.advertised('gw-3')), undefined, 10)
}

interface Member {
  readonly storeId: string
  stamp(): Stamp
}

async function join(store: MemberStore, id: string): Promise<Member> {
  const texts = {
    zone: 'zone-1',
    address: `http://${id}:9090`,
    process: `${id}-1`,
    fingerprint: 'fingerprint',
    bucket: 's3://metrics',
  }
  const joined = await store.join({ id, ...texts, incarnation: 0, sequence: 1, replaces: 0, seen: 0 })
  if (joined.status !== 'joined') throw new Error(`${id} must be able to join: it is ${joined.status}`)
  let sequence = 1
  return { storeId: joined.storeId, stamp: () => ({ id, incarnation: joined.incarnation, sequence: ++sequence }) }
}

/** Medians; `undo` is not counted. */
async function time(name: string, step: () => Promise<void>, undo?: () => Promise<void>, times = TIMES): Promise<void> {
  const whole: number[] = []
  const inside: number[] = []
  for (let i = 0; i < times; i++) {
    await redis.command('CONFIG', 'RESETSTAT')
    const begun = performance.now()
    await step()
    whole.push(performance.now() - begun)
    const stats = String(await redis.command('INFO', 'commandstats'))
    // A script's time has that of its commands in it.
    const times = [...stats.matchAll(/^cmdstat_(?!config|info)\S+:calls=\d+,usec=(\d+)/gm)].map(([, us]) => Number(us))
    inside.push(Math.max(...times) / 1000)
    await undo?.()
  }
  console.log(`${name.padEnd(28)} Redis ${median(inside)} ms, whole ${median(whole)} ms`)
}

function median(values: readonly number[]): string {
  return (values.toSorted((x, y) => x - y)[values.length >> 1] ?? 0).toFixed(2)
}

async function memory(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.command('INFO', 'memory')))?.[1])
}

/** Spread as real ULIDs are: made one after the other. */
function id(i: number): BlockId {
  let text = ''
  for (let rest = i; text.length < 6; rest = Math.floor(rest / 32)) text = BASE32[rest % 32] + text
  return blockId(`01HX${text}QWERTY0123456789`)
}
