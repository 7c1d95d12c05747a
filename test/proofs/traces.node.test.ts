/** Three real gateways on a real Redis, from whose spans alone the whole life of every block is read. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectOf, running } from '../cli/world.ts'
import { type Death, deathsOf, holders, type LifeEvent, livesOf } from '../support/block-lives.ts'
import { blockgate } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { startReceiver } from '../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../support/received-spans.ts'
import { startRedis } from '../support/redis.ts'

/** Of the blocks in the bucket, those that no other one supersedes, and that are not marked. */
const BLOCKS = 9
/** The wall clock that the spans of a run stand on is read in whole ms, once by each process. */
const CLOCK_MS = 2

const PLUGINS = {
  hashRing: 'hashRing({ store, ...times })',
  redlock: `redlock({ store, clients: [env.REDIS], ttl: '10s', ...times })`,
}

const configOf = (plugin: string) => `import { defineConfig, owned } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redlock } from 'blockgate/plugins/ownership/redlock'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { redisStore } from 'blockgate/plugins/store/redis'

const times = { heartbeat: '500ms', expireAfter: '15s', handoverDelay: '200ms' } as const
export default defineConfig(({ env }) => {
  const store = redisStore({ cluster: 'lives', url: env.REDIS, commandTimeout: '1m' })
  return {
    instance: { id: env.ID },
    bucket: fs({ root: './bucket' }),
    pipeline: [scanBucket(), notDeleted({ delay: '0s' }), dedup(), owned(${plugin}), indexHeaders()],
    dir: './data-' + env.ID,
    http: '127.0.0.1:' + env.PORT,
    every: '1s',
  }
})
`

it.each(Object.entries(PLUGINS))(
  "%s: the spans tell each block's life over three gateways, without a gap",
  async (_, plugin) => {
    await using redis = await startRedis()
    await using receiver = await startReceiver()
    const made = projectOf(configOf(plugin))
    const ports = await freePorts(3)
    const optionsOf = (id: string) => ({
      cwd: made.folder,
      env: {
        ...{ REDIS: redis.url, ID: id, PORT: `${ports[Number(id.at(-1)) - 1]}` },
        ...{ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '100' },
      },
    })
    const up = (id: string) => running(['run'], optionsOf(id))
    /** How many blocks each of them holds, where each block is held by one. */
    const spread = (spans: readonly ReceivedSpan[]): Readonly<Record<string, number>> => {
      const counts: Record<string, number> = { 'gw-1': 0, 'gw-2': 0, 'gw-3': 0 }
      const deaths = deathsOf(spans)
      const lives = [...livesOf(spans).values()].map(life => holders(life, deaths))
      if (lives.length < BLOCKS || lives.some(held => held.size > 1)) return {}
      for (const [id = ''] of lives) if (id !== '') counts[id] = (counts[id] ?? 0) + 1
      return counts
    }
    const until = (done: (counts: Readonly<Record<string, number>>) => boolean) =>
      receiver.until(spans => done(spread(spans)))

    up('gw-1')
    await until(counts => counts['gw-1'] === BLOCKS)
    // They gain.
    const second = up('gw-2')
    await until(counts => (counts['gw-2'] ?? 0) > 0)
    const third = up('gw-3')
    await until(counts => (counts['gw-3'] ?? 0) > 0)
    // A hand-over that is planned.
    expect(await blockgate(['drain', '--wait', '4m'], optionsOf('gw-2'))).toMatchObject({ code: 0 })
    await until(counts => counts['gw-2'] === 0)
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
    // A crash.
    third.child.kill('SIGKILL')
    await until(counts => counts['gw-1'] === BLOCKS)
    // A drop.
    const [gone = ''] = [...livesOf(receiver.spans).keys()].sort()
    const mark = { id: gone, version: 1, deletion_time: Math.floor(Date.now() / 1000) - 60 }
    writeFileSync(join(made.bucket, gone, 'deletion-mark.json'), JSON.stringify(mark))
    await until(counts => counts['gw-1'] === BLOCKS - 1)

    const { spans } = receiver
    const told = { spans, lives: livesOf(spans), deaths: deathsOf(spans) }
    expect(told.lives.size).toBe(BLOCKS)
    expect(told.deaths.map(({ gateway }) => gateway)).toEqual(['gw-3'])
    const what = [...told.lives].flatMap(([id, life]) => lifeOf(id, life, told))
    // Each kind of story is among them.
    expect(new Set(what)).toEqual(new Set(['first add', 'move', 'add after a death', 'hand-over', 'drop']))
    expect(told.lives.get(gone)?.at(-1)?.root.attributes['block.outcome.reason']).toBe('marked-for-deletion')
  },
)

interface Told {
  readonly spans: readonly ReceivedSpan[]
  readonly deaths: readonly Death[]
}

/** Walks the life of one block, event by event. @returns what kinds of events it had */
function lifeOf(id: string, life: readonly LifeEvent[], { spans, deaths }: Told): string[] {
  const byId = new Map(spans.map(span => [span.spanId, span]))
  const linked = (span: ReceivedSpan) => span.links.map(({ spanId }) => byId.get(spanId)?.name ?? `${id}: unknown link`)
  return life.map((event, at) => {
    const { what, gateway, root, below } = event
    const before = life.slice(0, at)
    const dead = deaths.filter(death => death.at <= event.at + CLOCK_MS)
    const had = holders(before, dead)
    const story = `${id}: ${life.map(e => `${e.what}@${e.gateway}`).join(' → ')}, at ${at}`
    expect(linked(root), story).toContain('sync.run')
    expect(root.isError, story).toBe(false)
    if (what === 'added') {
      const claim = below.find(({ name }) => name === 'ownership.claim')
      expect(claim?.attributes, story).toMatchObject({
        'ownership.status': 'granted',
        'ownership.epoch': expect.any(Number),
      })
      const owners = claim?.attributes['ownership.owners']
      if (had.size > 0) {
        // Whoever has it is to let go of it, and is named.
        expect(owners, story).toEqual([gateway])
        expect([root.attributes['block.move.from']].flat().sort(), story).toEqual([...had].sort())
        return 'move'
      }
      if (at === 0) return 'first add'
      // Nobody has it: the one that had it last died, which is told in the trace that the add is linked to.
      const death = dead.find(({ gateway: silent }) => silent === lastHolder(before))
      expect(death, story).toBeDefined()
      expect(
        root.links.map(({ traceId }) => traceId),
        story,
      ).toContain(death?.span.traceId)
      // It stands in for it, until the grace of that is over.
      expect([[death?.gateway], [gateway]], story).toContainEqual(owners)
      expect(death?.span.attributes['ownership.epoch.cause'], story).toBe(
        `${death?.gateway} down: no heartbeat seen by ${gateway}`,
      )
      return 'add after a death'
    }
    expect(had.has(gateway), story).toBe(true)
    if (root.attributes['block.outcome.reason'] === 'marked-for-deletion') {
      expect(at, story).toBe(life.length - 1)
      expect(root.attributes['block.outcome.by'], story).toBe('not-deleted')
      return 'drop'
    }
    // A hand-over: why, to whom, and that who it goes to had it before it went here.
    const owners = root.attributes['ownership.owners'] as readonly string[]
    expect(root.attributes, story).toMatchObject({ 'block.outcome.by': 'owned', 'block.outcome.reason': 'not-owner' })
    expect(owners, story).toHaveLength(1)
    expect(
      [
        ...holders(
          before.filter(e => e.at <= event.at + CLOCK_MS),
          dead,
        ),
      ].sort(),
      story,
    ).toEqual([gateway, ...owners].sort())
    const release = below.findLast(({ name }) => name === 'release')
    expect(release?.attributes, story).toMatchObject({
      'ownership.release.status': 'released',
      'ownership.release.targets': owners,
    })
    // Both are one trace.
    const added = before.findLast(e => e.what === 'added' && e.gateway === owners[0])
    expect([root.traceId, root.parentSpanId], story).toEqual([added?.root.traceId, added?.root.spanId])
    return 'hand-over'
  })
}

function lastHolder(events: readonly LifeEvent[]): string | undefined {
  return [...holders(events)].at(-1)
}
