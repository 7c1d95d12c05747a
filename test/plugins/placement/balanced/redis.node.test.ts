/** Three members on a real Redis, with real clocks: who publishes goes, and others go on. */
import type { BlockMeta, Candidate, OwnershipPlugin } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { memoryBucket, services, testId } from 'blockgate/testing'
import { afterEach, expect, it } from 'vitest'
import { never } from '../../../members/world.ts'
import { loggingHost, servers, stores } from '../../store/redis/stores.ts'
import { sized } from './sizes.ts'

const open = stores()
const started = servers()
const plugins: OwnershipPlugin[] = []
afterEach(async () => {
  for (const plugin of plugins.splice(0)) await plugin.stop?.(never)
})

/** Nobody is marked unhealthy, or loses its place, but by the test. */
const TIMES = { heartbeat: '100ms', expireAfter: '10m', grace: '1h', handoverDelay: 0 } as const
const BLOCKS = Array.from({ length: 60 }, (_, n) => sized(testId(1_767_225_600_000 + n * 7_919, n * 104_729), 1_000))
const never_ = new Promise<never>(() => {})

it('a placement is published and read by all; when who publishes is killed its names stay, and another one publishes', async () => {
  const redis = await started()
  const watching = await open({ url: redis.url })
  const placement = balanced({ within: 0.1, every: '300ms' })
  /** Of each member: all its calls hang from now on, as those of a process do that SIGKILL ended. */
  const dead = new Set<string>()
  const member = async (id: string) => {
    const store = await open({ url: redis.url })
    const line = new Proxy(store, {
      get(_, key) {
        const value: unknown = Reflect.get(store, key)
        if (key === 'start' || key === 'stop') return async () => {}
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => (dead.has(id) && key !== 'watch' ? never_ : value.apply(store, args))
      },
    })
    const plugin = hashRing({ store: line, placement, ...TIMES })
    await plugin.start?.(
      services({ host: loggingHost().host, bucket: memoryBucket(), instance: { id, zone: undefined } }),
    )
    if (id !== 'a') plugins.push(plugin)
    return plugin
  }
  const [a, b, c] = [await member('a'), await member('b'), await member('c')]
  const owners = (plugin: OwnershipPlugin) =>
    BLOCKS.map(block => plugin.handover?.owners(block).find(({ target }) => target)?.member ?? '')
  const until = async (done: () => Promise<boolean> | boolean) => {
    while (!(await done())) await new Promise(resolve => setImmediate(resolve))
  }
  const cause = async () => (await watching.entries()).cause
  const atSameEpoch = async (...of: readonly OwnershipPlugin[]) => {
    const { epoch } = await watching.entries()
    return of.every(plugin => plugin.epoch() === epoch)
  }
  /** Whoever has the fewest blocks is given the most bytes. */
  const offer = (of: readonly OwnershipPlugin[], heavy: string, weight: number) => {
    const names = owners(of[0] as OwnershipPlugin)
    const blocks = BLOCKS.map((meta: BlockMeta, n) => {
      const files = names[n] === heavy ? [{ path: 'index', size: weight }] : meta.files
      return { meta: { ...meta, files } } as Candidate
    })
    for (const plugin of of) plugin.offered?.(blocks)
  }

  await until(() => atSameEpoch(a, b, c))
  offer([a, b, c], 'b', 5_000)
  await until(async () => / has published a placement$/.test(await cause()))
  await until(() => atSameEpoch(a, b, c))
  expect(owners(b)).toEqual(owners(a))
  expect(owners(c)).toEqual(owners(a))

  // Who publishes is killed, found silent, and loses its place; what it published stays.
  dead.add('a')
  const { heartbeats } = await watching.heartbeats()
  const seen = heartbeats.get('a') ?? { incarnation: 0, sequence: 0 }
  const version = (await watching.entries()).placement?.version
  expect(await watching.expire('a', seen, { max: 9, windowMs: 1_000 }, 'b')).toBe('expired')
  expect(await watching.evict('a', (await watching.entries()).members.get('a')?.changed ?? 0)).toBe(true)
  await until(() => atSameEpoch(b, c))
  expect((await watching.entries()).placement?.version).toBeGreaterThanOrEqual(version ?? Number.NaN)
  expect(owners(b)).toEqual(owners(c))
  expect(owners(b)).not.toContain('a')
  offer([b, c], 'c', 9_000)
  await until(async () => /^[bc] has published a placement$/.test(await cause()))
  await until(() => atSameEpoch(b, c))
  expect(owners(b)).toEqual(owners(c))

  // One more comes, and names hold for it as well.
  const d = await member('d')
  await until(() => atSameEpoch(b, c, d))
  expect(owners(d)).toEqual(owners(b))
})
