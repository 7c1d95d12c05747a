/** Started stores on a real Redis, which are stopped when a test is over. */
import type { Services } from 'blockgate'
import type { JoinReply, JoinRequest, SlotPrecondition, SlotStore, Stamp } from 'blockgate/members'
import { type RedisStoreOptions, redisStore } from 'blockgate/plugins/store/redis'
import { nodeHost } from 'blockgate/runtime/node'
import { fakeHost, services, testId } from 'blockgate/testing'
import { afterEach } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'

/** A host with real clocks and timers whose log is kept. */
export function loggingHost(): {
  readonly host: Services['host']
  readonly lines: ReturnType<typeof fakeHost>['lines']
} {
  const { log, lines } = fakeHost()
  return { host: { ...nodeHost(), log }, lines }
}

/** Gives started stores that wait for as long as a busy machine may take; all are stopped after each test. */
export function stores(): (options: Partial<RedisStoreOptions>, given?: Partial<Services>) => Promise<SlotStore> {
  const open: SlotStore[] = []
  afterEach(async () => {
    for (const store of open.splice(0)) await store.stop?.(new AbortController().signal)
  })
  return async (options, given = {}) => {
    const store = redisStore({ cluster: 'test', commandTimeout: '2m', ...options })
    open.push(store)
    await store.start?.(services({ host: loggingHost().host, ...given }))
    return store
  }
}

/** Gives Redis servers; all are gone after each test. */
export function servers(): typeof startRedis {
  const open: RedisServer[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await server.stop()
  })
  return async options => {
    const server = await startRedis(options)
    open.push(server)
    return server
  }
}

/** A first join of a new process `<id>-1`. */
export function joining(id: string, more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    id,
    zone: undefined,
    address: undefined,
    process: `${id}-1`,
    fingerprint: 'r',
    bucket: 'b',
    incarnation: 0,
    sequence: 1,
    replaces: 0,
    seen: 0,
    ...more,
  }
}

const ONE = testId(1)

/** Joins for the first time. @returns what the store answered, and short words for what the member does then */
export async function member(store: SlotStore, id: string, more: Partial<JoinRequest> = {}) {
  const joined = await store.join(joining(id, more))
  if (joined.status !== 'joined') throw new Error(`${id} must be able to join: it is ${joined.status}`)
  let sequence = 1
  const next = (): Stamp => ({ id, incarnation: joined.incarnation, sequence: ++sequence })
  return {
    ...(joined as Extract<JoinReply, { status: 'joined' }>),
    /** The stamp of its next write. */
    next,
    /** Serves block 1, and has told the store all that it serves. */
    async serves(storeId = joined.storeId) {
      await store.serve(next(), { added: [ONE], dropped: [] })
      await store.heartbeat(next(), { storeId, stats: undefined, seen: 0 })
    },
    /** Asks to let block 1 go, as these serve it. @returns what was released */
    async releases(targets: readonly string[], more: { freshMs?: number; precondition?: SlotPrecondition } = {}) {
      const { freshMs = 60_000, precondition } = more
      const { epoch: decidedIn } = await store.entries()
      const items = [{ id: ONE, superseding: ONE, targets, quorum: 'all' as const, precondition }]
      const reply = await store.release(next(), { decidedIn, freshMs, items })
      return reply.status === 'ok' ? reply.released : reply.status
    },
  }
}
