/** Gateways that load ahead what they are next for, on real disks: what moves costs no request of the bucket. */
import { gateway, type LocalFiles, owned, resolveConfig } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { type PrewarmOptions, prewarm } from 'blockgate/plugins/warm/prewarm'
import { type FakeHost, fakeHost, memoryBucket, memoryState, settle, spans } from 'blockgate/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { localFiles } from '../../../src/runtime/node.ts'
import { type CountingBucket, countingBucket } from '../../support/counting-bucket.ts'
import { indexedBlocks } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { scriptedSource } from '../../support/world.ts'

const folder = tempFolders()
const COUNT = 30

type Member = Awaited<ReturnType<Cluster['start']>>

class Cluster {
  readonly host: FakeHost = fakeHost()
  readonly store = memoryStore()
  readonly bucket = memoryBucket()
  readonly up = new Map<string, Member>()
  blocks: Awaited<ReturnType<typeof indexedBlocks>> = []
  readonly #roots = new Map<string, string>()
  /** Calls of the disk that go on. */
  #working = 0

  async start(id: string, options: PrewarmOptions = { budget: '1GiB' }, source = scriptedSource(this.blocks)) {
    const bucket: CountingBucket = countingBucket(this.bucket)
    const root = this.#roots.get(id) ?? folder()
    this.#roots.set(id, root)
    const sink = indexHeaders()
    const ring = hashRing({ store: this.store, handoverDelay: 0, minMembers: 3 })
    const config = await resolveConfig(
      {
        pipeline: [source, owned(ring), sink],
        bucket,
        instance: { id },
        prewarm: prewarm(options),
      },
      { env: {} },
    )
    const made = gateway(config, { host: this.host, files: this.#counted(localFiles(root)), state: memoryState() })
    const started = made.start()
    started.catch(() => {})
    const member = { id, gateway: made, bucket, sink, warm: sink.warm, ids: () => [...sink.loaded().keys()] }
    this.up.set(id, member)
    await this.until(() => made.results.length > 0)
    return member
  }

  async until(done: () => boolean, most = 1_000): Promise<void> {
    for (let step = 0; !done(); step++) {
      if (step > most) throw new Error('it does not come to that')
      await this.host.advance(1_000)
      // The disk is a real one, and takes its time: until it is through, no other time passes.
      for (let idle = 0; idle < 3; idle = this.#working > 0 ? 0 : idle + 1) await settle()
    }
  }

  #counted(files: LocalFiles): LocalFiles {
    return new Proxy(files, {
      get: (own, name) => {
        const method = Reflect.get(own, name)
        if (typeof method !== 'function') return method
        return async (...args: readonly unknown[]) => {
          this.#working++
          try {
            return await method(...args)
          } finally {
            this.#working--
          }
        }
      },
    })
  }

  /** Each block is loaded once, and warm once elsewhere. */
  allWarm(): boolean {
    const members = [...this.up.values()]
    return this.blocks.every(({ meta }) => {
      const has = members.filter(({ sink }) => sink.loaded().has(meta.ulid))
      const warm = members.filter(({ sink }) => sink.warm?.held.has(meta.ulid))
      return has.length === 1 && (members.length === 1 || (warm.length === 1 && warm[0] !== has[0]))
    })
  }

  async stop(id: string): Promise<void> {
    const member = this.up.get(id)
    this.up.delete(id)
    await member?.gateway.stop()
  }
}

let cluster: Cluster
afterEach(async () => {
  for (const id of [...cluster.up.keys()]) await cluster.stop(id)
})

async function threeGateways(options?: PrewarmOptions) {
  cluster = new Cluster()
  cluster.blocks = await indexedBlocks(cluster.bucket, COUNT)
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(id => cluster.start(id, options)))
  return [a, b, c] as [Member, Member, Member]
}

const asked = (...members: readonly Member[]) => members.map(({ bucket }) => bucket.gets.length)

describe('three gateways that load ahead', () => {
  it('serve what a drained and a stopped one had without a request', async () => {
    const [a, b, c] = await threeGateways()
    await cluster.until(() => cluster.allWarm())
    // Once by its owner, once by the next.
    expect(asked(a, b, c).reduce((x, y) => x + y, 0)).toBe(2 * COUNT)
    expect(a.ids().length).toBeGreaterThan(3)
    const recorded = spans()
    let before = asked(b, c)
    const hits = () => (b.warm?.hits ?? 0) + (c.warm?.hits ?? 0)
    const had = a.ids()
    await cluster.store.drain('a', true)
    await cluster.until(() => a.ids().length === 0)
    expect(had.every(id => b.sink.loaded().has(id) || c.sink.loaded().has(id))).toBe(true)
    expect(hits()).toBe(had.length)
    recorded.stop()
    const added = recorded
      .finished()
      .filter(({ attributes }) => attributes['block.outcome'] === 'added' && attributes['block.attempt'])
    expect(added.map(({ attributes }) => attributes['block.warm'])).toEqual(had.map(() => true))

    // What b has is warm at c by now, or on its way.
    await cluster.until(() => b.ids().every(id => c.sink.warm?.held.has(id)))
    before = asked(c)
    const lost = b.ids()
    await cluster.stop('b')
    await cluster.until(() => c.ids().length === COUNT)
    expect(asked(c)).toEqual(before)
    expect(lost.length).toBeGreaterThan(0)
  })

  it('have one that joins load what will be its own before anybody knows of it', async () => {
    const [a, b, c] = await threeGateways()
    const joined = cluster.store.entries.bind(cluster.store)
    const d = await cluster.start('d')
    await cluster.until(
      () => d.ids().length > 0 && a.ids().length + b.ids().length + c.ids().length + d.ids().length === COUNT,
    )
    expect([d.warm?.hits, d.bucket.gets.length]).toEqual([d.ids().length, d.ids().length])
    expect((await joined()).members.size).toBe(4)
    const told = cluster.host.lines.find(({ message }) => message === 'blocks are loaded before this gateway joins')
    expect(told?.fields).toEqual({ blocks: d.ids().length })
  })

  it('have one join all the same that could not look before', async () => {
    await threeGateways()
    const broken = scriptedSource(cluster.blocks)
    broken.error = new Error('503')
    const starting = cluster.start('d', undefined, broken)
    await cluster.until(() => cluster.host.lines.some(({ message }) => message.includes('not loaded before')))
    broken.error = undefined
    const d = await starting
    await cluster.until(() => d.ids().length > 0)
    expect(d.warm?.hits).toBe(0)
  })
})
