/**
 * A disk that outlives its processes, and the sink of one process on it. Loads take seeded time, and fail as scripted.
 */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  type BlockMeta,
  type BlockSink,
  ErrorCode,
  type LoadedBlock,
  type PreparedBlock,
  type WarmBlocks,
} from 'blockgate'
import type { SimBucket } from './bucket.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'

/** What a member's disk holds; a process finds it there when it starts. */
export type Disk = Map<BlockId, LoadedBlock>

/** What is loaded ahead on a disk: bytes, and whether the copy has gone bad since. */
export type WarmDisk = Map<BlockId, { readonly bytes: number; readonly isBad: boolean }>

/** Told at the instant it happens. */
export interface SinkEvents {
  prepare(id: BlockId): void
  /** `isBad`: what shows now is a damaged copy. */
  commit(id: BlockId, isBad: boolean): void
  drop(id: BlockId): void
  /** The block is warm now: `isDropped`: because it was dropped. */
  warm(id: BlockId, isDropped: boolean): void
  /** What was loaded ahead is taken for an add. */
  hit(id: BlockId): void
}

export interface SinkWorld {
  readonly bucket: SimBucket
  readonly process: Process
  readonly random: Random
  readonly disk: Disk
  readonly events: SinkEvents
  /** Undefined: nothing is loaded ahead. */
  readonly warm: WarmDisk | undefined
  /** Whether a copy is checked before it shows. */
  readonly verifies: boolean
}

/** A load in ms of true time, before the bucket's weather. */
const LOAD = { low: 200, high: 4_000 }
/** Share of the copies loaded ahead that go bad on the disk. */
const BAD = 0.1

export function simSink({ bucket, process, random, disk, events, warm: ahead, verifies }: SinkWorld): BlockSink {
  const held = new Map<BlockId, LoadedBlock>()
  const wait = (ms: number, label: string) => new Promise<void>(resolve => process.arrive(ms, label, resolve))
  const chance = ahead && random.fork('warm')
  let hits = 0
  let room = 0
  const load = async (block: BlockContext): Promise<number> => {
    const fails = random.chance(bucket.weather.failing)
    await loading(random.between(LOAD.low, LOAD.high) * bucket.weather.slow, block.signal)
    if (fails) throw new Error('503 SlowDown')
    if (bucket.corrupt.has(block.id)) throw new BlockgateError(ErrorCode.corruptBlock, 'bad checksum')
    if (!bucket.blocks.has(block.id)) throw new Error('404 NoSuchKey')
    return sizeOf(block.meta)
  }
  const prepared = (block: BlockContext, bytes: number, from?: { readonly isBad: boolean }): PreparedBlock => {
    let isCommitted = false
    return {
      bytes,
      ...(from && { warm: true }),
      async commit() {
        await wait(random.between(0, 10), 'renamed')
        isCommitted = true
        const loaded = { meta: block.meta, bytes, fence: block.lease?.fence }
        disk.set(block.id, loaded)
        held.set(block.id, loaded)
        events.commit(block.id, from?.isBad ?? false)
        if (from) hits++
      },
      async [Symbol.asyncDispose]() {
        if (from && !isCommitted) ahead?.set(block.id, { bytes, ...from })
      },
    }
  }
  const warm: WarmBlocks | undefined = ahead && {
    get held() {
      return new Map([...ahead].map(([id, { bytes }]) => [id, bytes]))
    },
    get hits() {
      return hits
    },
    async keep(block) {
      const bytes = await load(block)
      block.reserve?.(bytes)
      ahead.set(block.id, { bytes, isBad: chance?.chance(BAD) ?? false })
      events.warm(block.id, false)
    },
    keepDropped(bytes) {
      room = bytes
    },
    forget: id => void ahead.delete(id),
    shrink(bytes) {
      let all = [...ahead.values()].reduce((sum, copy) => sum + copy.bytes, 0)
      for (const [id, copy] of [...ahead].reverse()) {
        if (all <= bytes) return
        all -= copy.bytes
        ahead.delete(id)
      }
    },
  }
  return {
    kind: 'sink',
    name: 'sim-sink',
    loaded: () => held,
    ...(warm && { warm }),
    async start() {
      await wait(random.between(5, 200), 'disk opened')
      for (const [id, block] of disk) {
        held.set(id, block)
        events.commit(id, false)
      }
    },
    async prepare(block) {
      events.prepare(block.id)
      const copy = ahead?.get(block.id)
      if (copy) {
        ahead?.delete(block.id)
        await wait(random.between(1, 20), 'verified')
        events.hit(block.id)
        if (!verifies || !copy.isBad) return prepared(block, copy.bytes, copy)
      }
      return prepared(block, await load(block))
    },
    async drop(id) {
      held.delete(id)
      events.drop(id)
      await wait(random.between(0, 200), 'removed')
      // It may have been loaded again meanwhile.
      if (held.has(id)) return
      const { bytes } = disk.get(id) ?? { bytes: 0 }
      disk.delete(id)
      const all = [...(ahead?.values() ?? [])].reduce((sum, copy) => sum + copy.bytes, 0)
      if (!ahead || all + bytes > room) return
      ahead.set(id, { bytes, isBad: chance?.chance(BAD) ?? false })
      events.warm(id, true)
    },
  }

  function loading(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      process.arrive(ms, 'loaded', () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }
}

function sizeOf({ files }: BlockMeta): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}
