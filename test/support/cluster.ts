/** Several gateways with one plugin on one member store, on one clock: who holds what, and whether a block was ever left alone. */
import type { BlockId, BlockStage, Candidate, SetStage } from 'blockgate'
import type { MemberOptions } from 'blockgate/members'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { type FakeHost, fakeHost } from 'blockgate/testing'
import type { ClusterOwnership } from './ownerships.ts'
import { type ScriptedSink, scriptedSink, type World, world } from './world.ts'

export interface ClusterOptions extends MemberOptions {
  /** Of all of them. */
  readonly ownership: (host: FakeHost) => ClusterOwnership
  readonly list: readonly Candidate[]
  readonly stages?: () => readonly (BlockStage | SetStage)[]
  readonly every?: string
}

export interface Cluster {
  readonly host: FakeHost
  readonly store: ReturnType<typeof memoryStore>
  /** Those that are up, by id. */
  readonly up: ReadonlyMap<string, World>
  /** Starts gateways side by side; `sink` is the disk of a process before it. */
  start(ids: readonly string[], sink?: ScriptedSink): Promise<void>
  /** Stops it in order. */
  stop(id: string): Promise<void>
  /** Cuts it off: its heartbeats stop, what it holds is gone for the others. */
  kill(id: string): Promise<void>
  /** Copies of all blocks on gateways that are up. */
  readonly copies: number
  copiesOf(id: BlockId): number
  /** Blocks that had fewer copies after a drop than `replicas`, and those that a live gateway dropped last: told as `<n> copies`. */
  readonly thin: readonly string[]
  advance(ms: number): Promise<void>
}

export function cluster({ ownership, list, stages, every, ...shared }: ClusterOptions): Cluster {
  const host = fakeHost()
  const owned = ownership(host)
  const store = memoryStore()
  const up = new Map<string, World>()
  const thin: string[] = []
  const copiesOf = (block: BlockId) => [...up.values()].filter(w => w.sink.loaded().has(block)).length
  const replicas = shared.replicas ?? 1
  const watched = (sink: ScriptedSink): ScriptedSink => ({
    ...sink,
    get numbers() {
      return sink.numbers
    },
    async drop(block, signal) {
      await sink.drop(block, signal)
      const superseded = [...up.values()].every(w => !w.source.list.some(c => c.meta.ulid === block))
      if (!superseded && copiesOf(block) < replicas) thin.push(`${block}: ${copiesOf(block)} copies`)
    },
  })
  const settled = async (work: Promise<unknown>) => {
    let done = false
    work.then(
      () => (done = true),
      () => (done = true),
    )
    while (!done) await host.advance(100)
    await work
  }
  return {
    host,
    store,
    up,
    thin,
    copiesOf,
    get copies() {
      return [...up.values()].reduce((sum, { sink }) => sum + sink.loaded().size, 0)
    },
    async start(ids, sink = scriptedSink()) {
      const made = await Promise.all(
        ids.map(id =>
          world({
            id,
            host,
            list,
            sink: watched(ids.length === 1 ? sink : scriptedSink()),
            stages: stages?.() ?? [],
            ownership: owned.make(id, store, { handoverDelay: '1s', ...shared }),
            every: every ?? '1h',
          }),
        ),
      )
      for (const [i, id] of ids.entries()) up.set(id, made[i] as World)
      await settled(Promise.all(made.map(w => w.gateway.start())))
    },
    async stop(id) {
      const { gateway } = up.get(id) as World
      await settled(gateway.stop())
      up.delete(id)
    },
    async kill(id) {
      const { gateway } = up.get(id) as World
      up.delete(id)
      const stamped = store.leave
      // A process that is killed says no word.
      store.leave = async stamp => (stamp.id === id ? 'ok' : stamped(stamp))
      await settled(gateway.stop())
      store.leave = stamped
    },
    advance: ms => host.advance(ms),
  }
}
