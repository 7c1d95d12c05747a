/** A gateway of scripted parts on a fake host: what the engine's own tests play their stories on. */
import {
  type BlockId,
  type BlockSink,
  type BlockStage,
  type Candidate,
  type Gateway,
  gateway,
  type Handover,
  type Interval,
  LeaseLost,
  type LoadedBlock,
  type LocalFiles,
  type Metrics,
  type Owner,
  type OwnershipChange,
  type OwnershipPlugin,
  OwnershipUnavailable,
  owned,
  type Pipeline,
  type Prewarm,
  type ResolvedConfig,
  type RunResult,
  resolveConfig,
  type SetStage,
  type Standing,
  type StateStore,
} from 'blockgate'
import { candidate, type FakeHost, fakeHost, memoryState, testId } from 'blockgate/testing'
import { type ScriptedSource, scriptedSource } from './scripted-source.ts'

export { type ScriptedSource, scriptedSource }

/** Candidates 1 to n, each its own two hours, a larger number later. */
export function blocks(...numbers: readonly number[]): Candidate[] {
  return numbers.map(n =>
    candidate({
      ulid: testId(n),
      minTime: n * 7_200_000,
      maxTime: (n + 1) * 7_200_000,
      files: [{ path: 'index', size: n }],
    }),
  )
}

export interface ScriptedSink extends BlockSink {
  /** 'prepare 1', 'commit 1', 'abort 1', 'drop 1' in order. */
  readonly log: string[]
  /** prepare() of this block waits until the result is called; it ends at once when the block's signal aborts. */
  gate(n: number): () => void
  /** The next prepares of this block throw these, one each. */
  fail(n: number, ...errors: readonly Error[]): void
  /** Like gate(), but deaf to the block's signal. */
  deaf(n: number): () => void
  /** Ignores the block's signal: hangs for ever. */
  hang(n: number): void
  hold(...list: readonly Candidate[]): void
  readonly numbers: readonly number[]
  readonly mostAtOnce: number
}

export const numberOf = (id: BlockId): number => {
  let n = 0
  for (const c of id.slice(0, 10)) n = n * 32 + '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(c)
  return n
}

export function scriptedSink(): ScriptedSink {
  const held = new Map<BlockId, LoadedBlock>()
  const log: string[] = []
  const gates = new Map<number, Promise<void>>()
  const failures = new Map<number, Error[]>()
  const hangs = new Set<number>()
  const deaf = new Map<number, Promise<void>>()
  let now = 0
  let most = 0
  return {
    kind: 'sink',
    name: 'scripted-sink',
    log,
    gate(n) {
      const { promise, resolve } = Promise.withResolvers<void>()
      gates.set(n, promise)
      return () => {
        gates.delete(n)
        resolve()
      }
    },
    deaf(n) {
      const { promise, resolve } = Promise.withResolvers<void>()
      deaf.set(n, promise)
      return resolve
    },
    fail: (n, ...errors) => void failures.set(n, [...errors]),
    hang: n => void hangs.add(n),
    hold(...list) {
      for (const { meta } of list) held.set(meta.ulid, { meta, bytes: 1, fence: undefined })
    },
    get numbers() {
      return [...held.keys()].map(numberOf)
    },
    get mostAtOnce() {
      return most
    },
    loaded: () => held,
    async prepare(block) {
      const n = numberOf(block.id)
      log.push(`prepare ${n}`)
      most = Math.max(most, ++now)
      try {
        const error = failures.get(n)?.shift()
        if (error) throw error
        if (hangs.has(n)) await new Promise(() => {})
        await deaf.get(n)
        const gate = gates.get(n)
        if (gate) await Promise.race([gate, aborted(block.signal)])
      } catch (error) {
        log.push(`abort ${n}`)
        throw error
      } finally {
        now--
      }
      return {
        bytes: 1,
        async commit() {
          log.push(`commit ${n}`)
          held.set(block.id, { meta: block.meta, bytes: 1, fence: block.lease?.fence })
        },
        async [Symbol.asyncDispose]() {},
      }
    },
    async drop(id) {
      log.push(`drop ${numberOf(id)}`)
      held.delete(id)
    },
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

export interface ScriptedOwnership extends OwnershipPlugin {
  /** 'claim 1', 'release 1', 'serve +1', 'serve -1', 'publish 1,2' in order. */
  readonly log: string[]
  /** Blocks that others serve: a release of one is granted. */
  readonly servedByOthers: Set<number>
  /** Where set, a release is granted only for these. */
  releasable: Set<number> | undefined
  standing: Standing
  /** 'load 1', 'commit 1': where the lease is found lost, once. */
  readonly refuses: Set<string>
  /** Whether the other member is up. Default true. */
  othersLive: boolean
  /** Set: claims and owners() cannot know. */
  unavailable: boolean
  /** Now mine, with a new epoch and a change event. */
  gain(...numbers: readonly number[]): void
  /** No longer mine, with a new epoch and a change event; leases in flight abort where others serve the block. */
  lose(...numbers: readonly number[]): void
  /** A new epoch and a change event; nothing else. */
  tick(affects?: OwnershipChange['affects']): void
  /** A change event of the same epoch: what others serve has changed for these. */
  served(...numbers: readonly number[]): void
  /** Called at each claim before it answers: the place where the world changes meanwhile. */
  onClaim: ((n: number) => void | Promise<void>) | undefined
  readonly watchers: number
}

/** Owns the numbers given, or everything; `handover: false` makes a plugin that can only be asked by claim(). */
export function scriptedOwnership(mine?: readonly number[], { handover = true } = {}): ScriptedOwnership {
  const own = new Set(mine)
  const isMine = (id: BlockId) => mine === undefined || own.has(numberOf(id))
  const leases = new Map<BlockId, AbortController>()
  const listeners = new Set<(change: OwnershipChange) => void>()
  const log: string[] = []
  let epoch = 1
  let me = ''
  const change = (affects: OwnershipChange['affects'] = () => true) => {
    epoch++
    for (const listener of listeners) listener({ epoch, affects })
  }
  const known = () => {
    if (plugin.unavailable) throw new OwnershipUnavailable()
  }
  const ids = (list: Iterable<BlockId>) => [...list].map(numberOf).join()
  const plugin: ScriptedOwnership & { -readonly [K in keyof ScriptedOwnership]: ScriptedOwnership[K] } = {
    name: 'scripted-ownership',
    exclusive: false,
    log,
    servedByOthers: new Set(),
    releasable: undefined,
    standing: 'member',
    othersLive: true,
    refuses: new Set(),
    unavailable: false,
    onClaim: undefined,
    get watchers() {
      return listeners.size
    },
    gain(...numbers) {
      for (const n of numbers) own.add(n)
      change()
    },
    lose(...numbers) {
      for (const n of numbers) {
        own.delete(n)
        if (plugin.servedByOthers.has(n)) leases.get(testId(n))?.abort(new LeaseLost())
      }
      change()
    },
    tick: change,
    served(...numbers) {
      for (const n of numbers) plugin.servedByOthers.add(n)
      const affects = ({ ulid }: { readonly ulid: BlockId }) => numbers.includes(numberOf(ulid))
      for (const listener of listeners) listener({ epoch, affects })
    },
    async start(services) {
      me = services.instance.id
    },
    epoch: () => epoch,
    async claim(block) {
      const n = numberOf(block.ulid)
      log.push(`claim ${n}`)
      known()
      const answer = { epoch, mine: isMine(block.ulid) }
      await plugin.onClaim?.(n)
      if (!answer.mine) return { status: 'denied', epoch: answer.epoch, reason: 'not-owner', owners: ['other'] }
      const controller = new AbortController()
      leases.set(block.ulid, controller)
      return {
        status: 'granted',
        epoch: answer.epoch,
        lease: {
          fence: answer.epoch,
          signal: controller.signal,
          assertHeld(before) {
            controller.signal.throwIfAborted()
            if (plugin.refuses.delete(`${before} ${n}`)) throw new LeaseLost()
          },
          async [Symbol.asyncDispose]() {
            log.push(`dispose ${n}`)
            leases.delete(block.ulid)
          },
        },
      }
    },
    watch(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  if (!handover) return plugin
  return Object.assign(plugin, { handover: handoverOf() })

  function handoverOf(): Handover {
    return {
      async publish(served) {
        log.push(`publish ${ids(served)}`)
      },
      async serve({ added, dropped }) {
        log.push(`serve${added.length ? ` +${ids(added)}` : ''}${dropped.length ? ` -${ids(dropped)}` : ''}`)
      },
      async release({ id, superseding, urgent }, decidedIn) {
        const may = urgent ? plugin.servedByOthers : (plugin.releasable ?? plugin.servedByOthers)
        const there = may.has(numberOf(superseding.ulid)) && decidedIn === epoch
        log.push(
          `${urgent ? 'urgent ' : ''}release ${numberOf(id)} needs ${numberOf(superseding.ulid)}: ${there ? 'released' : 'kept'}`,
        )
        return there ? 'released' : 'kept'
      },
      owners(block): readonly Owner[] {
        known()
        const others = plugin.servedByOthers.has(numberOf(block.ulid))
        return [
          { member: me, rank: 0, target: isMine(block.ulid), serves: true, live: true },
          { member: 'other', rank: 1, target: !isMine(block.ulid), serves: others, live: plugin.othersLive },
        ]
      },
      known: () => !plugin.unavailable,
      members: () => [],
      standing: () => plugin.standing,
      ready(is) {
        log.push(is ? 'ready' : 'not ready')
      },
      report() {},
      counts: () => ({ storeErrors: 0, refusedExpiries: 0, broken: 0, heartbeatDelayMs: 0 }),
    }
  }
}

export interface WorldOptions {
  readonly list?: readonly Candidate[]
  readonly stages?: readonly (BlockStage | SetStage)[]
  readonly ownership?: OwnershipPlugin
  readonly concurrency?: number
  readonly every?: string | Interval
  readonly blockTimeout?: string
  readonly state?: StateStore
  readonly sink?: ScriptedSink
  readonly host?: FakeHost
  readonly metrics?: Metrics
  readonly files?: LocalFiles
  readonly token?: string
  readonly readToken?: string
  readonly diskBudget?: number
  readonly prewarm?: Prewarm
  /** The gateway's own. Default 'me'. */
  readonly id?: string
  readonly onResult?: (result: RunResult) => void
}

export interface World {
  readonly host: FakeHost
  readonly source: ScriptedSource
  readonly sink: ScriptedSink
  readonly gateway: Gateway
  readonly config: ResolvedConfig
  readonly results: RunResult[]
}

/** `scripted source → stages → owned(ownership) → scripted sink` on a fake host. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const host = options.host ?? fakeHost()
  const source = scriptedSource(options.list ?? [])
  const sink = options.sink ?? scriptedSink()
  const { every, blockTimeout, token, readToken, diskBudget, prewarm } = options
  const owner = options.ownership ? [owned(options.ownership)] : []
  const config = await resolveConfig(
    {
      pipeline: [source, ...(options.stages ?? []), ...owner, sink] as Pipeline,
      concurrency: options.concurrency ?? 4,
      ...{ every, blockTimeout, token, readToken, diskBudget, prewarm },
      instance: { id: options.id ?? 'me' },
    },
    { env: {} },
  )
  const results: RunResult[] = []
  const state = options.state ?? memoryState()
  const { metrics, files } = options
  const tell = (result: RunResult) => {
    results.push(result)
    return options.onResult?.(result)
  }
  const made = gateway(config, { host, files, state, metrics, onResult: tell })
  return { host, source, sink, results, config, gateway: made }
}

/** A run's outcomes by block number: 'added', 'skipped owned not-owner', 'failed scripted-sink internal'. */
export function told(result: RunResult): Record<number, string> {
  const lines: [number, string][] = []
  for (const [id, o] of result.outcomes) {
    const rest = o.kind === 'skipped' ? ` ${o.by} ${o.reason}` : o.kind === 'failed' ? ` ${o.by}` : ''
    lines.push([numberOf(id), o.kind + rest])
  }
  return Object.fromEntries(lines)
}
