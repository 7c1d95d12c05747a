/** A sink that keeps nothing but the metas: for trying a pipeline, and for tests. */
import {
  BlockgateError,
  BlockMap,
  type BlockSink,
  checkOptions,
  ErrorCode,
  type LoadedBlock,
  StaleFence,
} from 'blockgate'

/**
 * Holds the metas of the blocks in memory and reads no object; they are gone with the process. `bytes` is the sum of the
 * sizes of a block's files, as the meta names them. It cannot be queried.
 *
 * @example const config = defineConfig({ bucket, pipeline: [scanBucket(), memory()] })
 */
export function memory(options: Readonly<Record<string, never>> = {}): BlockSink {
  const held = new BlockMap<LoadedBlock>()
  return {
    kind: 'sink',
    name: 'memory',
    check: () => checkOptions(options, {}),
    loaded: () => held,
    async prepare({ id, meta, lease, signal, reserve }) {
      signal.throwIfAborted()
      const block = { meta, bytes: meta.files.reduce((sum, file) => sum + file.size, 0), fence: lease?.fence }
      reserve?.(block.bytes)
      let disposed = false
      return {
        bytes: block.bytes,
        async commit() {
          if (disposed) throw new BlockgateError(ErrorCode.stageMisuse, 'a disposed block must not be committed')
          const fence = held.get(id)?.fence
          if (fence !== undefined && block.fence !== undefined && block.fence < fence) {
            throw new StaleFence(`fence of block ${id} must be >= ${fence}: current value is ${block.fence}`)
          }
          held.set(id, block)
        },
        async [Symbol.asyncDispose]() {
          disposed = true
        },
      }
    },
    async drop(id) {
      held.delete(id)
    },
  }
}
