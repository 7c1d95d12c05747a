/** A sink that writes down what it is asked, and does what a test tells it to. */
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import type { BlockContext, BlockSink, LoadedBlock } from '../contracts/stage.ts'

export interface SinkCall {
  readonly op: 'prepare' | 'commit' | 'dispose' | 'drop'
  readonly id: BlockId
}

export interface RecordingSink extends BlockSink {
  /** In the order in which they began. */
  readonly calls: readonly SinkCall[]
}

export interface RecordingSinkOptions {
  /** What it holds at first. */
  readonly loaded?: readonly BlockMeta[] | undefined
  /** Runs inside prepare(): a promise that waits blocks it, a throw fails it. Races with nothing: look at `block.signal`. */
  readonly onPrepare?: ((block: BlockContext) => Promise<void> | void) | undefined
  /** Runs inside commit(), before the block shows. */
  readonly onCommit?: ((block: BlockContext) => Promise<void> | void) | undefined
  /** Runs inside drop(), after the block is out of sight. */
  readonly onDrop?: ((id: BlockId, signal: AbortSignal) => Promise<void> | void) | undefined
}

/**
 * Keeps metas only, as the plugin sink/memory does. `bytes` is the sum of the sizes of a block's files.
 *
 * @example const sink = recordingSink({ onPrepare: block => { if (block.id === bad) throw new Error('no') } })
 */
export function recordingSink(options: RecordingSinkOptions = {}): RecordingSink {
  const calls: SinkCall[] = []
  const held = new Map<BlockId, LoadedBlock>()
  for (const meta of options.loaded ?? []) held.set(meta.ulid, { meta, bytes: bytesOf(meta), fence: undefined })
  return {
    kind: 'sink',
    name: 'recording',
    calls,
    loaded: () => held,
    async prepare(block) {
      const { id, meta, lease, signal } = block
      calls.push({ op: 'prepare', id })
      signal.throwIfAborted()
      block.reserve?.(bytesOf(meta))
      await options.onPrepare?.(block)
      signal.throwIfAborted()
      let disposed = false
      return {
        bytes: bytesOf(meta),
        async commit() {
          calls.push({ op: 'commit', id })
          if (disposed) throw new Error(`disposed block ${id} must not be committed`)
          await options.onCommit?.(block)
          held.set(id, { meta, bytes: bytesOf(meta), fence: lease?.fence })
        },
        async [Symbol.asyncDispose]() {
          calls.push({ op: 'dispose', id })
          disposed = true
        },
      }
    },
    async drop(id, signal) {
      calls.push({ op: 'drop', id })
      held.delete(id)
      await options.onDrop?.(id, signal)
    },
  }
}

function bytesOf(meta: BlockMeta): number {
  return meta.files.reduce((sum, file) => sum + file.size, 0)
}
