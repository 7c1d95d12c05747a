/**
 * A disk that outlives its processes, and the sink of one process on it. Loads take seeded time, and fail as scripted.
 */
import { BlockgateError, type BlockId, type BlockMeta, type BlockSink, ErrorCode, type LoadedBlock } from 'blockgate'
import type { SimBucket } from './bucket.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'

/** What a member's disk holds; a process finds it there when it starts. */
export type Disk = Map<BlockId, LoadedBlock>

/** Told at the instant it happens. */
export interface SinkEvents {
  prepare(id: BlockId): void
  commit(id: BlockId): void
  drop(id: BlockId): void
}

export interface SinkWorld {
  readonly bucket: SimBucket
  readonly process: Process
  readonly random: Random
  readonly disk: Disk
  readonly events: SinkEvents
}

/** A load in ms of true time, before the bucket's weather. */
const LOAD = { low: 200, high: 4_000 }

export function simSink({ bucket, process, random, disk, events }: SinkWorld): BlockSink {
  const held = new Map<BlockId, LoadedBlock>()
  const wait = (ms: number, label: string) => new Promise<void>(resolve => process.arrive(ms, label, resolve))
  return {
    kind: 'sink',
    name: 'sim-sink',
    loaded: () => held,
    async start() {
      await wait(random.between(5, 200), 'disk opened')
      for (const [id, block] of disk) {
        held.set(id, block)
        events.commit(id)
      }
    },
    async prepare(block) {
      events.prepare(block.id)
      const fails = random.chance(bucket.weather.failing)
      await loading(random.between(LOAD.low, LOAD.high) * bucket.weather.slow, block.signal)
      if (fails) throw new Error('503 SlowDown')
      if (bucket.corrupt.has(block.id)) throw new BlockgateError(ErrorCode.corruptBlock, 'bad checksum')
      if (!bucket.blocks.has(block.id)) throw new Error('404 NoSuchKey')
      const bytes = sizeOf(block.meta)
      return {
        bytes,
        async commit() {
          await wait(random.between(0, 10), 'renamed')
          const loaded = { meta: block.meta, bytes, fence: block.lease?.fence }
          disk.set(block.id, loaded)
          held.set(block.id, loaded)
          events.commit(block.id)
        },
        async [Symbol.asyncDispose]() {},
      }
    },
    async drop(id) {
      held.delete(id)
      events.drop(id)
      await wait(random.between(0, 200), 'removed')
      // It may have been loaded again meanwhile.
      if (!held.has(id)) disk.delete(id)
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
